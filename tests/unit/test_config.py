"""The configuration: where a value comes from, what is refused, and what is never shown."""

import io
import re
import socket
import ssl
from pathlib import Path

import pytest
from oslo_config import cfg, generator

from gearhorn.config import Config
from gearhorn.config.worker import CLIENT_ID_LIMIT_BYTES
from gearhorn.errors import Misconfigured
from gearhorn.monitoring.settings import MonitoringSettings, StatsdSettings
from gearhorn.names import OwnQueues
from gearhorn.net.address import Address
from gearhorn.options import GROUPS
from tests.servers.certificates import Certificates, encrypted

SAMPLE = Path(__file__).parents[2] / "etc/gearhorn/gearhorn.conf.sample"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No configuration but the test's own: the usual places are looked up below the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def written(folder: Path, text: str, name: str = "gearhorn.conf") -> str:
    (folder / name).write_text(text)
    return f"--config-file={folder / name}"


def refusal(folder: Path, text: str) -> str:
    """The line with which a configuration file is refused, by the time that everything was asked for."""
    with pytest.raises(Misconfigured) as caught:
        Config([written(folder, text)], environ={}).daemon_settings()
    line = str(caught.value)
    assert "\n" not in line
    return line


# Where a value comes from


def test_topics_may_have_policies_of_their_own(folder: Path) -> None:
    text = "[reaper]\npolicy = off\npolicies = logs.*:drop, *:pause\ninterval = 5\ndead_letter_queue = dead\n"
    settings = Config([written(folder, text)], environ={}).daemon_settings().reaper
    assert settings.policies == (("logs.*", "drop"), ("*", "pause"))
    assert (settings.policy, settings.interval_s, settings.dead_letter_queue) == ("off", 5.0, "dead")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("policy = kill", "policy"),
        ("policies = news:kill", "'kill', for 'news'"),
        ("policies = news", "policies"),
        ("dead_letter_queue = a\ndead_letter_file = b", "one of them is enough"),
        ("dead_letter_queue = fanout", "'fanout' is a queue of the service"),
        ("dead_letter_queue = two words", "no name for a queue"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(folder: Path, text: str, line: str) -> None:
    told = refusal(folder, f"[reaper]\n{text}\n")
    assert told.startswith("[reaper] ")
    assert line in told


def test_everything_has_a_default(folder: Path) -> None:
    settings = Config(environ={}).daemon_settings()
    assert settings.servers == (Address("localhost", 4730),)
    assert settings.handlers.queues == OwnQueues()
    assert settings.link.tls is None


def test_servers_of_the_environment_beat_the_default(folder: Path) -> None:
    config = Config(environ={"GEARMAN_SERVERS": "a,b:1,a:4730"})
    assert config.servers() == (Address("a", 4730), Address("b", 1))


def test_servers_of_a_file_beat_those_of_the_environment(folder: Path) -> None:
    file = written(folder, "[gearman]\nservers = c:2\n")
    assert Config([file], environ={"GEARMAN_SERVERS": "a"}).servers() == (Address("c", 2),)


def test_servers_of_the_command_line_beat_those_of_a_file(folder: Path) -> None:
    file = written(folder, "[gearman]\nservers = c:2\n")
    assert Config([file], {("gearman", "servers"): ["d:3"]}, {}).servers() == (Address("d", 3),)


def test_a_later_file_beats_an_earlier_one(folder: Path) -> None:
    files = [written(folder, f"[worker]\ndrain_timeout = {number}\n", f"{number}.conf") for number in (1, 2)]
    assert Config(files).daemon_settings().drain_timeout_s == 2


def test_the_files_of_a_folder_are_read(folder: Path) -> None:
    (folder / "conf.d").mkdir()
    written(folder / "conf.d", "[worker]\ndrain_timeout = 3\n")
    assert Config([f"--config-dir={folder / 'conf.d'}"]).daemon_settings().drain_timeout_s == 3


def test_the_users_file_is_read_when_none_is_named(folder: Path) -> None:
    (folder / ".gearhorn").mkdir()
    written(folder / ".gearhorn", "[worker]\ndrain_timeout = 4\n")
    assert Config().daemon_settings().drain_timeout_s == 4


def test_a_level_may_be_written_in_capitals(folder: Path) -> None:
    assert Config(overrides={(None, "log_level"): "DEBUG"}).log_settings().level.lower() == "debug"


# The default store


def test_without_a_store_url_the_lists_are_in_the_state_directory_of_systemd(folder: Path) -> None:
    settings = Config(environ={"STATE_DIRECTORY": "/var/lib/gearhorn:/var/lib/other"}).store_settings()
    assert settings.url == "sqlite:////var/lib/gearhorn/gearhorn.db"


def test_without_systemd_the_lists_are_in_the_users_state_folder(folder: Path) -> None:
    assert Config(environ={}).store_settings().url == f"sqlite:///{folder}/.local/state/gearhorn/gearhorn.db"
    assert Config(environ={"XDG_STATE_HOME": "/x"}).store_settings().url == "sqlite:////x/gearhorn/gearhorn.db"


def test_a_state_folder_with_marks_of_urls_in_its_name_stays_what_it_is(folder: Path) -> None:
    assert (
        Config(environ={"STATE_DIRECTORY": "/a?b%c#d"}).store_settings().url == "sqlite:////a%3Fb%25c%23d/gearhorn.db"
    )


# How the worker presents itself


def test_a_worker_is_named_after_host_and_instance(folder: Path) -> None:
    worker = Config(environ={"GEARHORN_INSTANCE": "east"}).daemon_settings().worker
    assert worker.client_id == f"gearhorn_{socket.gethostname()}_east"


def test_a_name_of_an_instance_breaks_no_line_of_the_admin_protocol(folder: Path) -> None:
    worker = Config(environ={"GEARHORN_INSTANCE": "a b\nc\té"}).daemon_settings().worker
    assert worker.client_id.endswith("_a-b-c--")


def test_a_long_name_of_an_instance_is_cut_to_what_gearmand_takes(folder: Path) -> None:
    worker = Config(environ={"GEARHORN_INSTANCE": "x" * 130}).daemon_settings().worker
    assert len(worker.client_id) == CLIENT_ID_LIMIT_BYTES


def test_a_worker_has_an_id_of_its_own_which_is_that_of_host_and_instance_unless_told_otherwise(folder: Path) -> None:
    host = socket.gethostname()
    assert Config(environ={}).matchmaking_settings().worker_id == host
    assert Config(environ={"GEARHORN_INSTANCE": "a b\nc"}).matchmaking_settings().worker_id == f"{host}_a b-c"
    written(folder, "[matchmaking]\nworker_id = west\n")
    assert Config(environ={"GEARHORN_INSTANCE": "east"}).matchmaking_settings().worker_id == "west"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("worker_id = " + "x" * 242, r"\[matchmaking\] worker_id the queue name .* has 256 bytes, more than 255"),
        ("topic = matchmaking", r"\[matchmaking\] topic: 'matchmaking' does not begin with '__'"),
        ("topic = __" + "x" * 300, r"\[matchmaking\] topic has 302 bytes, more than 253"),
        ("lease_ttl = 2\nack_timeout = 2.1", r"\[matchmaking\] ack_timeout is longer than lease_ttl.*"),
        ("lease_ttl = 0.5", r"\[matchmaking\] lease_ttl: .*"),
    ],
)
def test_a_worker_that_could_not_take_its_place_among_the_others_is_refused(folder: Path, text: str, line: str) -> None:
    written(folder, f"[matchmaking]\n{text}\n")
    with pytest.raises(Misconfigured, match=line):
        Config(environ={}).matchmaking_settings()


# What is refused


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[worker]\ndrain_tmeout = 1\n", r".*gearhorn.conf: \[worker\] drain_tmeout is no option"),
        ("[DEFAULT]\nlevel = info\n", r".*gearhorn.conf: \[DEFAULT\] level is no option"),
        ("[wrker]\ndrain_timeout = 1\n", r".*gearhorn.conf: there is no section \[wrker\]"),
        ("[worker]\ndrain_timeout = soon\n", r"\[worker\] drain_timeout: .*'soon'"),
        ("[worker]\ndrain_timeout = -1\n", r"\[worker\] drain_timeout: .*greater than or equal to 0"),
        ("[worker]\ndrain_timeout = 30000000\n", r"\[worker\] drain_timeout: .*less than or equal to 86400"),
        ("[worker]\ndrain_timeout = nan\n", r"\[worker\] drain_timeout: nan is no number of seconds"),
        ("[worker]\njobs_in_flight = 0\n", r"\[worker\] jobs_in_flight: .*greater than or equal to 1"),
        ("[DEFAULT]\nlog_level = loud\n", r"\[DEFAULT\] log_level: .*'loud'"),
        ("[gearman]\ntls = perhaps\n", r"\[gearman\] tls: .*'perhaps'"),
        ("[gearman]\nservers = a:b\n", r"'a:b' is no server address: 'b' is no port"),
        ("log_level = info\n", r"the configuration cannot be read: .*gearhorn.conf:1, Section must be started.*"),
        ("[worker]\n  more\n", r"the configuration cannot be read: .*gearhorn.conf:2, Unexpected continuation line"),
        ("[gearman]\ncert_file = x\n", r"\[gearman\] names TLS files but tls is not on"),
        ("[gearman]\ntls = on\ncert_file = /no/cert\n", r"the certificate '/no/cert' cannot be used: No such file.*"),
        ("[gearman]\ntls = on\nca_file = /no/ca\n", r"the CA file '/no/ca' cannot be used: No such file.*"),
    ],
)
def test_a_wrong_file_is_refused_with_a_line_that_says_where(folder: Path, text: str, line: str) -> None:
    assert re.fullmatch(line, refusal(folder, text))


def test_a_file_that_is_not_utf_8_is_refused(folder: Path) -> None:
    (folder / "gearhorn.conf").write_bytes(b"[worker]\n# \xff\n")
    with pytest.raises(Misconfigured, match="not text in UTF-8"):
        Config([f"--config-file={folder / 'gearhorn.conf'}"])


def test_a_file_or_folder_that_is_not_there_is_refused(folder: Path) -> None:
    for option in ("--config-file", "--config-dir"):
        with pytest.raises(Misconfigured, match="/no/where"):
            Config([f"{option}=/no/where"])


def test_a_folder_is_no_file(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=f"{folder} cannot be read: Is a directory"):
        Config([f"--config-file={folder}"])


def test_a_misspelt_option_is_found_in_every_file(folder: Path) -> None:
    (folder / "conf.d").mkdir()
    written(folder / "conf.d", "[worker]\ndrain = 3\n", "other.conf")
    for arguments in ([f"--config-dir={folder / 'conf.d'}"], [f"--config-file={folder / 'conf.d' / 'other.conf'}"]):
        with pytest.raises(Misconfigured, match=re.escape("other.conf: [worker] drain is no option")):
            Config(arguments)


def test_a_wrong_value_on_the_command_line_is_refused(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[DEFAULT\] log_level: .*'loud'"):
        Config(overrides={(None, "log_level"): "loud"})


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a\0b", "\u2028", "x" * 256, "fanout"])
@pytest.mark.parametrize("option", ["unsubscribe_queue", "subscribe_queues"])
def test_a_queue_needs_a_name_of_its_own_that_the_admin_protocol_can_show(folder: Path, option: str, name: str) -> None:
    value = [name] if option == "subscribe_queues" else name
    with pytest.raises(Misconfigured, match=r"^\[worker\] .*name"):
        Config(overrides={("worker", option): value}).daemon_settings()


def test_a_queue_may_have_any_other_name(folder: Path) -> None:
    names = ["subscribe.été", "x" * 255]
    queues = Config(overrides={("worker", "subscribe_queues"): names}).own_queues()
    assert queues.subscribe == tuple(names)


def test_topics_may_have_queues_of_their_own(folder: Path) -> None:
    file = written(folder, "[worker]\ntopic_queues = news, Grüße, news, __matchmaking\nfanout_queue = shout\n")
    queues = Config([file]).own_queues()
    assert queues.topics == ("news", "Grüße", "__matchmaking")
    assert queues.of_topic("news").all() == (
        "subscribe_fanout.news",
        "register_fanout_subscriber.news",
        "unsubscribe_fanout.news",
        "shout.news",
    )


@pytest.mark.parametrize("topic", ["__x", "_", "a b", "a\tb", "a\x85b", "a\xa0b", "x" * 240])
def test_a_topic_that_cannot_have_queues_of_its_own_is_refused(folder: Path, topic: str) -> None:
    assert refusal(folder, f"[worker]\ntopic_queues = news,{topic}").startswith("[worker] ")


def test_queues_of_topics_must_not_be_called_like_others(folder: Path) -> None:
    line = refusal(folder, "[worker]\ntopic_queues = news\nunsubscribe_queue = fanout.news")
    assert line == "[worker] each queue needs a name of its own: two are called 'fanout.news'"


def test_there_is_a_queue_to_subscribe_by(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="name"):
        Config(overrides={("worker", "subscribe_queues"): []}).own_queues()


# TLS


def test_certificates_that_can_be_used_are(folder: Path) -> None:
    certificates = Certificates(folder / "tls")
    files = {"ca_file": certificates.ca_file, "cert_file": certificates.client_certificate}
    lines = [f"{name} = {path}" for name, path in {**files, "key_file": certificates.client_key}.items()]
    context = Config([written(folder, "\n".join(["[gearman]", "tls = on", *lines]))]).link_settings().tls
    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


# What is never shown


@pytest.mark.parametrize("line", ["sesame", """it's "sesame" '""", "  sesame", "[sesame", "= sesame"])
def test_a_line_that_cannot_be_read_is_not_shown_because_it_may_be_a_password(folder: Path, line: str) -> None:
    message = refusal(folder, f"[store]\n{line}\n")
    assert "gearhorn.conf:2" in message
    assert "sesame" not in message


def test_the_store_url_is_marked_as_a_secret() -> None:
    (url,) = [option for option in GROUPS["store"] if option.name == "url"]
    assert url.secret


def test_a_password_of_the_store_may_be_a_credential_of_systemd(folder: Path) -> None:
    for name in ("redis", "sentinels"):
        (folder / name).write_text(f"sesame of {name}\n")
    file = written(
        folder,
        "[store]\nurl = redis+sentinel://one/main\nusername = me\npassword_file = redis\n"
        f"sentinel_password_file = {folder / 'sentinels'}\n",
    )
    settings = Config([file], environ={"CREDENTIALS_DIRECTORY": str(folder)}).store_settings()
    assert settings.url == "redis+sentinel://me:sesame%20of%20redis@one/main?sentinel_password=sesame%20of%20sentinels"
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize("is_credential", [False, True])
def test_the_password_of_a_key_may_be_in_a_file(folder: Path, is_credential: bool) -> None:
    certificates = Certificates(folder / "tls")
    key = folder / "locked.key"
    key.write_bytes(encrypted(certificates.client_key))
    (folder / "password").write_text("secret\n")
    names = ["locked.key", "password"] if is_credential else [str(key), str(folder / "password")]
    lines = ["[gearman]", "tls = on", f"cert_file = {certificates.client_certificate}"]
    lines += [f"key_file = {names[0]}", f"key_password_file = {names[1]}"]
    environ = {"CREDENTIALS_DIRECTORY": str(folder)} if is_credential else {}
    config = Config([written(folder, "\n".join(lines))], environ=environ)
    assert config.link_settings().tls is not None
    assert "secret" not in repr(config.tls_settings())
    (folder / "password").write_text("sesame\n")
    with pytest.raises(Misconfigured, match="the password is not that of the key") as caught:
        config.link_settings()
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(("url", "warned"), [("redis://:sesame@one", True), ("redis://one", False)])
def test_a_configuration_with_a_password_that_everybody_may_read_is_warned_of(
    folder: Path, caplog: pytest.LogCaptureFixture, url: str, warned: bool
) -> None:
    file = written(folder, f"[store]\nurl = {url}\n")
    (folder / "gearhorn.conf").chmod(0o644)
    Config([file]).store_settings()
    assert ["gearhorn.conf, and there is a secret in it" in line for line in caplog.messages] == [True] * warned
    caplog.clear()
    (folder / "gearhorn.conf").chmod(0o640)
    Config([file]).store_settings()
    assert caplog.messages == []


# The options themselves


NUMBERS = [option for options in GROUPS.values() for option in options if isinstance(option, cfg.IntOpt | cfg.FloatOpt)]


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_number_has_bounds_on_both_sides(option: cfg.IntOpt | cfg.FloatOpt) -> None:
    assert option.type.min is not None
    assert option.type.max is not None
    assert option.type.min <= option.default <= option.type.max


def test_the_sample_is_what_the_options_say() -> None:
    conf = cfg.ConfigOpts()
    generator.register_cli_opts(conf)
    conf(["--namespace=gearhorn", "--wrap-width=100"])
    made = io.StringIO()
    generator.generate(conf, made)
    assert SAMPLE.read_text() == made.getvalue(), "`make sample` writes it anew"


def test_the_sample_is_a_configuration_that_changes_nothing(folder: Path) -> None:
    assert Config([f"--config-file={SAMPLE}"]).daemon_settings() == Config([written(folder, "")]).daemon_settings()


def test_the_sample_with_its_values_taken_is_a_configuration_too(folder: Path) -> None:
    taken = re.sub(r"^#(\w+ = ?.*)$", r"\1", SAMPLE.read_text(), flags=re.MULTILINE)
    settings = Config([written(folder, taken)], environ={})
    assert settings.daemon_settings() == Config(environ={}).daemon_settings()
    assert settings.store_settings().url == "sqlite:////var/lib/gearhorn/gearhorn.db"


# The dashboard


def test_there_is_no_dashboard_unless_somebody_wants_one(folder: Path) -> None:
    assert Config([written(folder, "")], environ={}).dashboard_settings().listen is None


def test_a_dashboard_has_an_address_and_names(folder: Path) -> None:
    text = "[dashboard]\nlisten = 127.0.0.1\nhosts = a.example, b.example\n"
    settings = Config([written(folder, text)], environ={}).dashboard_settings()
    assert (settings.listen, settings.hosts) == (Address("127.0.0.1", 9474), ("a.example", "b.example"))


def test_an_address_of_the_dashboard_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[dashboard\] listen: .*'x'"):
        Config([written(folder, "[dashboard]\nlisten = 127.0.0.1:x\n")], environ={}).dashboard_settings()


def test_a_worker_tells_how_it_is_on_this_machine_unless_it_is_told_otherwise(folder: Path) -> None:
    assert Config([written(folder, "")], environ={}).monitoring_settings() == MonitoringSettings(
        Address("127.0.0.1", 9473), 200
    )
    text = "[metrics]\nlisten =\ntopics = 7\n"
    assert Config([written(folder, text)], environ={}).monitoring_settings() == MonitoringSettings(None, 7)
    everywhere = Config([written(folder, "[metrics]\nlisten = :9000\n")], environ={}).monitoring_settings()
    assert everywhere.listen == Address("", 9000)


def test_an_address_for_metrics_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[metrics\] listen: .*'x'"):
        Config([written(folder, "[metrics]\nlisten = 127.0.0.1:x\n")], environ={}).monitoring_settings()


def test_statsd_is_found_by_the_variables_that_geard_reads(folder: Path) -> None:
    def statsd(**environ: str) -> StatsdSettings | None:
        return Config([written(folder, "")], environ=environ).monitoring_settings().statsd

    assert statsd() is None
    assert statsd(STATSD_HOST="") is None
    assert statsd(STATSD_HOST="stats.example") == StatsdSettings(Address("stats.example", 8125))
    found = statsd(STATSD_HOST="stats.example", STATSD_PORT="9125", STATSD_PREFIX="site")
    assert found == StatsdSettings(Address("stats.example", 9125), "site")
    for port in ("x", "0", "65536", "-1"):
        with pytest.raises(Misconfigured, match=r"the variable STATSD_PORT is .*no port"):
            statsd(STATSD_HOST="stats.example", STATSD_PORT=port)
