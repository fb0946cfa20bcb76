"""Every recipe, from its file through a trial run, and as the package finds it."""

import inspect

import pytest
import yaml
from helpers.expected_warnings import UNWIRED
from helpers.image_files import needs_files

from lightning_snn.cli.main import main
from lightning_snn.cli.recipes import find_recipe, recipe_folder, recipes, summary
from lightning_snn.core.config import class_at

pytestmark = UNWIRED

every_recipe = pytest.mark.parametrize("name", list(recipes()))


@every_recipe
@pytest.mark.usefixtures("in_an_empty_folder")
def test_trial(name, image_files):
    path = recipes()[name]
    options = ["--trainer.accelerator=cpu", "--trainer.fast_dev_run=true"]
    data = yaml.safe_load(path.read_text())["data"]
    if "eval_batch_size" in inspect.signature(class_at(data["class_path"])).parameters:
        options.append("--data.eval_batch_size=50")
    if needs_files(data):
        pytest.importorskip("torchvision")
        options.append(f"--data.root={image_files}")
    assert main(["fit", "--config", str(path), *options]) == 0


@every_recipe
def test_says_what_it_does(name):
    path = recipes()[name]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert summary(path) == first[2:]
    assert 20 < len(summary(path)) <= 110


@every_recipe
def test_names_its_layers_and_its_seed(name):
    recipe = yaml.safe_load(recipes()[name].read_text())
    assert isinstance(recipe["model"]["init_args"]["layers"], dict)
    assert recipe["seed_everything"] == 0
    assert "root" not in recipe["data"]["init_args"]  # no path of anyone's machine


def test_the_first_recipe_needs_no_download():
    recipe = yaml.safe_load(recipes()["mnist"].read_text())
    assert recipe["data"]["init_args"]["source"] == "embedded"


def test_found_by_name_or_path(tmp_path):
    assert find_recipe("mnist") == recipe_folder() / "mnist.yaml"
    mine = tmp_path / "mine.yml"
    mine.write_text("# Mine\n")
    assert find_recipe(str(mine)) == mine
    assert summary(mine) == "Mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", r"no recipe or YAML file 'mnits'. Did you mean mnist\? Recipes: .*mnist"),
        ("qqq", r"no recipe or YAML file 'qqq'. Recipes: .*mnist"),
        ("missing.yaml", "no recipe or YAML file 'missing.yaml'"),
    ],
)
def test_not_found(name, message):
    with pytest.raises(ValueError, match=message):
        find_recipe(name)


def test_a_file_that_is_no_yaml(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("")
    with pytest.raises(ValueError, match="no recipe or YAML file"):
        find_recipe(str(path))
