"""A project, and the app that serves its model."""

from contextlib import ExitStack

import pytest
from helpers.app import NO_SUGGESTIONS
from helpers.ports import free_port
from helpers.project import write_project

from s2i.app import server
from s2i.generation import find_model


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with parameters, a trained model and a sketch, the working folder of all tests in a module."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, "sketch.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def start(project):
    """start(**settings) is a context in which the app runs, which gives the page and its address."""

    def start(**settings):
        trained = find_model.find()

        def load():
            from s2i.generation.model import SketchToImage

            return SketchToImage(trained)

        server_settings = server.ServerSettings(**{"port": free_port()} | settings)
        return server.running(load, trained.params, NO_SUGGESTIONS, server_settings)

    return start


@pytest.fixture(scope="module")
def serve(start):
    """serve(**settings) runs the app until the module's tests are done, and gives its address."""
    with ExitStack() as on_exit:
        yield lambda **settings: on_exit.enter_context(start(**settings))[1]


@pytest.fixture(scope="module")
def url(serve):
    return serve()


@pytest.fixture(scope="module")
def client(url):
    from gradio_client import Client

    return Client(url, verbose=False)
