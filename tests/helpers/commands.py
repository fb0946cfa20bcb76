"""Commands that are called in the process of a test."""

from lightning_snn.cli.main import main


def failure(capsys, *args):
    """The one sentence with which a command fails."""
    try:
        code = main(list(args))
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr().err
    assert code == 2
    assert "Traceback" not in said
    sentences = [line for line in said.splitlines() if line.startswith("lightning-snn:")]
    assert len(sentences) == 1, said
    assert said.rstrip().endswith(sentences[0])
    return sentences[0]
