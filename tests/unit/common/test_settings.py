"""Settings: typed, with their ranges, all errors at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from carscribe_common.errors import Exit, WorkerExit
from carscribe_common.settings import Settings
from carscribe_worker_a.settings import SettingsA
from carscribe_worker_b.settings import SettingsB

GOOD = {
    "CARSCRIBE_RUN_ID": "r1",
    "CARSCRIBE_BUCKET": "photos",
    "CARSCRIBE_QUEUE_URL": "https://sqs.example/1/q",
    "CARSCRIBE_REGION": "us-east-1",
    "CARSCRIBE_STATE_DIR": "/var/lib/x",
}


def test_defaults_are_those_of_the_documentation() -> None:
    """With the required settings alone, all others have their defaults."""
    settings = SettingsA.from_environment(GOOD)
    assert settings.rekognition_rate_per_second == 5.0
    assert settings.car_confidence_percent == 90.0
    assert settings.prefix == ""
    assert settings.resend is None
    assert settings.run_dir == Path("/var/lib/x/runs/r1")
    assert SettingsB.from_environment(GOOD).text_confidence_percent == 80.0


def test_all_errors_are_reported_at_once() -> None:
    """One start names every wrong setting, its value and what is accepted."""
    wrong = GOOD | {
        "CARSCRIBE_RUN_ID": "../etc",
        "CARSCRIBE_QUEUE_URL": "q",
        "CARSCRIBE_STATE_DIR": "relative",
        "CARSCRIBE_REKOGNITION_RATE_PER_SECOND": "fast",
        "CARSCRIBE_CONCURRENCY_MAX": "0",
        "CARSCRIBE_BUCKET": "",
    }
    with pytest.raises(WorkerExit) as caught:
        SettingsA.from_environment(wrong)
    assert caught.value.code == Exit.CONFIG
    for part in (
        "CARSCRIBE_RUN_ID is '../etc', but must be 1 to 64",
        "CARSCRIBE_QUEUE_URL is 'q'",
        "CARSCRIBE_STATE_DIR is 'relative', but must be an absolute path",
        "CARSCRIBE_REKOGNITION_RATE_PER_SECOND is 'fast', but must be a number from 0.1 to 1000",
        "CARSCRIBE_CONCURRENCY_MAX is '0', but must be a whole number from 1 to 256",
        "CARSCRIBE_BUCKET is not set",
    ):
        assert part in caught.value.sentence


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("REKOGNITION_RATE_PER_SECOND", "0.1", "1000"),
        ("CONCURRENCY_MAX", "1", "256"),
        ("VISIBILITY_TIMEOUT_SECONDS", "2", "43200"),
        ("TEXT_CONFIDENCE_PERCENT", "0", "100"),
        ("IDLE_TIMEOUT_SECONDS", "1", "86400"),
        ("PAIRS", "1", "16"),
    ],
)
def test_ranges_include_their_ends(name: str, lowest: str, highest: str) -> None:
    """Both ends of a range are accepted, a little beyond is not."""
    for text in (lowest, highest):
        SettingsB.from_environment(GOOD | {f"CARSCRIBE_{name}": text})
    for text in (f"-{lowest}.5", f"{highest}1", "nan", "1e999", "", " "):
        if text:
            with pytest.raises(WorkerExit, match=name):
                SettingsB.from_environment(GOOD | {f"CARSCRIBE_{name}": text})


def test_state_directory_of_systemd_is_the_default() -> None:
    """Under systemd the unit's StateDirectory needs no setting of its own."""
    environ = {name: text for name, text in GOOD.items() if name != "CARSCRIBE_STATE_DIR"}
    settings = Settings.from_environment(environ | {"STATE_DIRECTORY": "/var/lib/b"})
    assert settings.state_dir == Path("/var/lib/b")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("false", None),
        ("true", ("true", ((1, None),))),
        ("t:", ("t", ())),
        ("20261125T0310:3,7-12,2000-", ("20261125T0310", ((3, 3), (7, 12), (2000, None)))),
    ],
)
def test_what_is_sent_again(text: str, read: object) -> None:
    """A name and the n, as B's summary has them; and what older releases said."""
    assert SettingsA.from_environment(GOOD | {"CARSCRIBE_RESEND": text}).resend == read


@pytest.mark.parametrize(
    "text",
    ["yes", "1", "True", ":1", "t", "t:0", "t:3-2", "t:1,", "t:-5", "t:1-2-3"],
)
def test_what_cannot_be_read_is_not_sent_again(text: str) -> None:
    """A request that could be read in two ways is refused, with what is accepted."""
    with pytest.raises(WorkerExit, match="a name, a colon and the n"):
        SettingsA.from_environment(GOOD | {"CARSCRIBE_RESEND": text})


def test_other_regions_have_a_rate_each() -> None:
    """Each once, the bucket's own first and at its own rate."""
    given = GOOD | {
        "CARSCRIBE_REKOGNITION_RATE_PER_SECOND": "20",
        "CARSCRIBE_REKOGNITION_REGIONS": "us-west-2=50,us-east-1=7,eu-west-1=0.5",
    }
    settings = SettingsA.from_environment(given)
    assert list(settings.rates_per_second.items()) == [
        ("us-east-1", 20.0),
        ("us-west-2", 50.0),
        ("eu-west-1", 0.5),
    ]
    assert "rekognition_regions=us-west-2=50,us-east-1=7,eu-west-1=0.5" in str(settings)
    assert SettingsA.from_environment(GOOD).rates_per_second == {"us-east-1": 5.0}


def test_a_pair_has_its_share_of_each_rate() -> None:
    """The quota divided by the pairs that are at work: all of them unless it is said."""
    given = GOOD | {
        "CARSCRIBE_REKOGNITION_RATE_PER_SECOND": "50",
        "CARSCRIBE_REKOGNITION_REGIONS": "us-west-2=5",
        "CARSCRIBE_PAIRS": "4",
        "CARSCRIBE_PAIR": "4",
    }
    assert SettingsA.from_environment(given).rates_per_second == {
        "us-east-1": 12.5,
        "us-west-2": 1.25,
    }
    unfinished = SettingsB.from_environment(given | {"CARSCRIBE_PAIRS_AT_WORK": "1"})
    assert unfinished.rates_per_second == {"us-east-1": 50, "us-west-2": 5}
    assert (unfinished.pairs, unfinished.pair) == (4, 4)


@pytest.mark.parametrize("name", ["PAIR", "PAIRS_AT_WORK"])
def test_a_pair_beyond_their_number_is_refused(name: str) -> None:
    """With the other errors; where the number itself is none, only that is said."""
    given = GOOD | {
        "CARSCRIBE_PAIRS": "2",
        f"CARSCRIBE_{name}": "3",
        "CARSCRIBE_ALIVE_SECONDS": "x",
    }
    with pytest.raises(WorkerExit, match="ALIVE_SECONDS is 'x'") as caught:
        SettingsA.from_environment(given)
    assert f"CARSCRIBE_{name} is 3, but must be at most CARSCRIBE_PAIRS, 2" in caught.value.sentence
    with pytest.raises(WorkerExit, match="PAIRS is 'two'") as caught:
        SettingsA.from_environment(given | {"CARSCRIBE_PAIRS": "two"})
    assert "at most" not in caught.value.sentence


@pytest.mark.parametrize("key", ["1.jpg", "a/\ud800.png", "Käfer.jpeg"])
@pytest.mark.parametrize("pairs", [1, 2, 3, 16])
def test_each_key_is_of_one_pair(key: str, pairs: int) -> None:
    """None is left and none taken twice, whatever characters it has."""
    own = [
        SettingsA.from_environment(
            GOOD | {"CARSCRIBE_PAIRS": str(pairs), "CARSCRIBE_PAIR": str(pair)}
        ).is_own(key)
        for pair in range(1, pairs + 1)
    ]
    assert own.count(True) == 1


@pytest.mark.parametrize(
    "regions",
    [
        *("us-west-2", "us-west-2=", "=50", "us-west-2=0", "us-west-2=1001", "us-west-2=nan"),
        *("x=5", "us-west-2=5,us-west-2=5", "us-west-2=5,", "us-west-2=5;eu-west-1=5"),
    ],
)
def test_regions_that_are_none_are_refused(regions: str) -> None:
    """With what is accepted."""
    with pytest.raises(WorkerExit, match="but must be other regions with calls a second in each"):
        SettingsA.from_environment(GOOD | {"CARSCRIBE_REKOGNITION_REGIONS": regions})


@pytest.mark.parametrize(
    "prefix", ["r/", "carscribe-results/", "a/year=2026/b_c.d/", "a" * 511 + "/"]
)
def test_a_prefix_for_results(prefix: str) -> None:
    """One folder or several; none by default."""
    given = GOOD | {"CARSCRIBE_RESULTS_PREFIX": prefix}
    assert SettingsB.from_environment(given).results_prefix == prefix
    assert SettingsB.from_environment(GOOD).results_prefix == ""


@pytest.mark.parametrize(
    "prefix",
    [
        *("results", "/", "/results/", "results//", "../", "a/../", ".a/", "-a/", "a*/", "a?/"),
        *("${a}/", "a b/", "ä/", "a/\n", " ", "a" * 512 + "/"),
    ],
)
def test_a_prefix_that_is_no_folder_is_refused(prefix: str) -> None:
    """A run's id behind it would be read as part of a name, or a policy as a pattern."""
    with pytest.raises(WorkerExit, match="but must be folders for results in the bucket"):
        SettingsB.from_environment(GOOD | {"CARSCRIBE_RESULTS_PREFIX": prefix})
