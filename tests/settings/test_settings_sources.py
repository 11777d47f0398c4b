"""Where each setting comes from, in which order, and what a bad one says."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen.catalog.access import Access, access, check_names
from dramagen.catalog.load import Catalog
from dramagen.config import Budget, Config
from dramagen.errors import ConfigError
from dramagen.money import Money
from dramagen.settings import Settings, gather


class Place:
    """A home, a working directory and an environment, all empty."""

    def __init__(self, root: Path) -> None:
        self.home, self.cwd = root / "home", root / "cwd"
        self.home.mkdir()
        self.cwd.mkdir()
        self.environ = {"DRAMAGEN_HOME": str(self.home)}

    def gather(self, config: Config | None = None) -> Settings:
        return gather(config, self.environ, self.cwd)

    def access(self, provider: str, config: Config | None = None) -> dict[str, Access]:
        settings = self.gather(config)
        catalog = Catalog.load(settings.card_roots, settings.providers)
        check_names(settings, catalog)
        return dict(access(catalog.provider(provider), settings))

    def write(self, folder: str, text: str) -> Path:
        path = Path(getattr(self, folder)) / "dramagen.toml"
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def key(access: Access) -> str | None:
    return access.secret.key if access.secret else None


# --- order -----------------------------------------------------------------------------------------------


def test_a_key_of_the_program_then_of_the_environment_then_of_the_directory_then_of_the_home(
    place: Any,
) -> None:
    place.write("home", '[keys]\nkling = "of-home"')
    assert key(place.access("kling")["cn"]) == "of-home"
    place.write("cwd", '[keys]\nkling = "of-directory"')
    assert key(place.access("kling")["cn"]) == "of-directory"
    place.environ["KLING_API_KEY"] = "of-environment"
    assert key(place.access("kling")["cn"]) == "of-environment"
    assert key(place.access("kling", Config(keys={"kling": "of-program"}))["cn"]) == "of-program"


def test_a_region_too(place: Any) -> None:
    place.environ["KLING_API_KEY"] = "k"

    def keyed(config: Config | None = None) -> list[str]:
        return [name for name, a in place.access("kling", config).items() if a.keyed]

    assert keyed() == ["cn"]  # the card's default
    place.write("home", '[regions]\nkling = "intl"')
    assert keyed() == ["intl"]
    place.environ["KLING_REGION"] = "cn"
    assert keyed() == ["cn"]
    assert keyed(Config(regions={"kling": "intl"})) == ["intl"]


def test_a_base_url_too(place: Any) -> None:
    def base(config: Config | None = None) -> str:
        return str(place.access("kling", config)["cn"].base_url)

    place.write("home", '[base_urls]\nkling = "https://home.example"')
    assert base() == "https://home.example"
    place.write("cwd", '[base_urls]\nkling = "https://directory.example"')
    assert base() == "https://directory.example"
    place.environ["DRAMAGEN_KLING_BASE_URL"] = "https://environment.example"
    assert base() == "https://environment.example"
    assert base(Config(base_urls={"kling": "https://program.example"})) == "https://program.example"


def test_single_settings_and_budgets(place: Any) -> None:
    place.write("home", 'currency = "USD"\ntime_scale = 2\n[budgets]\nepisode = "80 CNY"')
    place.write("cwd", 'currency = "CNY"\n[budgets]\nday = "10 USD"')
    settings = place.gather(Config(budgets=(Budget("1 CNY", "shot"),)))
    assert (settings.currency, settings.time_scale, settings.on_unknown) == ("CNY", 2.0, "hold")
    # A weaker place cannot loosen a stronger one's cap: all of them hold.
    assert {(b.per, b.limit) for b in settings.budgets} == {
        ("shot", Money("1 CNY")),
        ("day", Money("10 USD")),
        ("episode", Money("80 CNY")),
    }


def test_own_cards_are_merged_with_the_directorys_on_top(place: Any) -> None:
    place.write("home", "[providers.kling]\ndiscount = 0.1\nlimits.concurrency = 5")
    place.write("cwd", "[providers.kling]\ndiscount = 0.2")
    settings = place.gather()
    card = Catalog.load((), settings.providers).provider("kling")
    assert (str(card.discount), card.limits.concurrency) == ("0.2", 5)


def test_one_file_is_read_once_where_home_is_the_working_directory(place: Any) -> None:
    place.environ["DRAMAGEN_HOME"] = str(place.cwd)
    place.write("cwd", '[budgets]\nday = "1 CNY"')
    settings = place.gather()
    assert [layer.origin for layer in settings.layers] == ["config", "environment", "home"]
    assert len(settings.budgets) == 1


def test_the_home_of_the_program_then_the_environments_then_the_platforms(place: Any, tmp_path: Path) -> None:
    assert gather(Config(home=tmp_path / "x"), place.environ, place.cwd).home == tmp_path / "x"
    assert place.gather().home == place.home
    platform = gather(None, {"XDG_DATA_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}, place.cwd).home
    assert platform.name == "dramagen"
    assert platform.is_absolute()


# --- every documented variable ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "environ", "keyed"),
    [
        ("seedance", {"ARK_API_KEY": "k"}, {"cn"}),
        ("seedance", {"BYTEPLUS_API_KEY": "k"}, {"intl"}),
        ("seedance", {"ARK_API_KEY": "k", "BYTEPLUS_API_KEY": "k"}, {"cn", "intl"}),
        ("kling", {"KLING_API_KEY": "k"}, {"cn"}),
        ("kling", {"KLING_API_KEY": "k", "KLING_REGION": "intl"}, {"intl"}),
        ("kling", {"KLING_ACCESS_KEY": "a", "KLING_SECRET_KEY": "s"}, {"cn"}),
        ("kling", {"KLING_ACCESS_KEY": "a", "KLING_SECRET_KEY": "s", "KLING_REGION": "intl"}, {"intl"}),
        ("kling", {"KLING_ACCESS_KEY": "a"}, set()),
        ("kling", {"KLING_API_KEY": ""}, set()),
        ("kling", {"KLING_API_KEY": " \n"}, set()),
        ("previz", {}, {"local"}),
    ],
)
def test_a_key_opens_the_region_it_belongs_to(
    place: Any, provider: str, environ: dict[str, str], keyed: set[str]
) -> None:
    place.environ |= environ
    assert {name for name, a in place.access(provider).items() if a.keyed} == keyed


def test_a_key_pair_and_a_newline_at_its_end(place: Any) -> None:
    place.environ |= {"KLING_ACCESS_KEY": "a\n", "KLING_SECRET_KEY": " s", "KLING_WEBHOOK_SECRET": "w"}
    secret = place.access("kling")["cn"].secret
    assert (secret.access, secret.secret, secret.webhook) == ("a", "s", ("w",))


def test_keys_may_be_texts_or_tables(place: Any) -> None:
    place.write("home", '[keys]\n"kling:intl" = { access_key = "a", secret_key = "s", webhook_secret = "w" }')
    both = place.access("kling", Config(keys={"kling": {"key": "k"}}))
    assert key(both["cn"]) == "k"
    assert both["intl"].secret is not None
    assert both["intl"].secret.values() == ("a", "s", "w")


@pytest.mark.parametrize("value", [3, "", {}, {"access_key": "a"}, {"keys": "k"}, {"key": 3}, ["k"]])
def test_what_is_no_key_names_the_place_and_not_the_value(place: Any, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"Config: keys\.kling"):
        place.access("kling", Config(keys={"kling": value}))


@pytest.mark.parametrize("value", ["sk-secret，", "sk secret", "sk\nsecret", "密钥"])
def test_a_key_with_a_stray_character_is_caught_and_not_shown(place: Any, value: str) -> None:
    place.environ["KLING_API_KEY"] = value
    with pytest.raises(ConfigError) as raised:
        place.access("kling")
    assert "secret" not in str(raised.value)
    assert "密钥" not in str(raised.value)


def test_no_secret_shows_in_any_repr(place: Any) -> None:
    place.environ["KLING_API_KEY"] = "sk-environment"
    config = Config(keys={"seedance": "sk-program"})
    shown = repr([config, place.gather(config), place.access("kling", config)])
    assert "sk-" not in shown


# --- base URLs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://gw.example", "http://gw.example"),
        ("http://gw.example/", "http://gw.example"),
        ("https://gw.example:8443/ark", "https://gw.example:8443/ark"),
        ("https://gw.example/api/v3", "https://gw.example"),
        ("https://gw.example/api/v3/", "https://gw.example"),
        ("https://gw.example/ark/api/v3", "https://gw.example/ark"),
        ("https://gw.example/not-api/v3", "https://gw.example/not-api/v3"),
    ],
)
def test_a_base_url_takes_a_prefix_with_or_without_the_vendors_own_path(
    place: Any, given: str, base: str
) -> None:
    place.environ["DRAMAGEN_SEEDANCE_BASE_URL"] = given
    found = place.access("seedance")["cn"]
    assert (found.base_url, found.overridden) == (base, True)
    tasks = "/api/v3/contents/generations/tasks"
    assert found.url(tasks) == base + tasks


@pytest.mark.parametrize(
    "given",
    [
        "gw.example",
        "ftp://gw.example",
        "http://",
        "http://me:word@gw.example",
        "http://gw.example/?key=x",
        "http://x:y",
    ],
)
def test_what_is_no_address_is_named_and_nothing_of_it_shown(place: Any, given: str) -> None:
    place.write("home", f'[base_urls]\nkling = "{given}"')
    with pytest.raises(ConfigError, match=r"dramagen\.toml: base_urls\.kling") as raised:
        place.access("kling")
    assert "word" not in str(raised.value)


def test_a_base_url_is_for_the_region_of_the_key_unless_it_names_another(place: Any) -> None:
    config = Config(base_urls={"kling": "https://one.example", "kling:intl": "https://two.example"})
    bases = {name: a.base_url for name, a in place.access("kling", config).items()}
    assert bases == {"cn": "https://one.example", "intl": "https://two.example"}


def test_hyphens_are_underscores_in_a_variables_name(place: Any) -> None:
    place.environ["DRAMAGEN_OPENAI_VIDEOS_BASE_URL"] = "http://127.0.0.1:1"
    assert place.gather().lookup("base_urls", "openai-videos").value == "http://127.0.0.1:1"


# --- what a bad value says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = 3", "currency"),
        ('currency = "yuan"', "currency"),
        ('curency = "CNY"', "unknown key 'curency'"),
        ("home = 'x'", "unknown key 'home'"),
        ("[budgets]\nepisode = 80", r"budgets\.episode"),
        ('[budgets]\nepisode = "80"', r"budgets\.episode"),
        ('[budgets]\nweek = "80 CNY"', r"budgets\.week"),
        ('[budgets]\nday = "-1 CNY"', r"budgets\.day"),
        ("budgets = 80", "budgets is a table"),
        ("providers = 3", "providers is a table"),
        ("[limits]\nkling = 0", "limits.kling"),
        ("time_scale = 0", "time_scale"),
        ('on_unknown = "retry"', "on_unknown"),
        ('[rates]\nCNY = "7.1"', "rates"),
        ("[rates]\ndate = 2026-11-22\nCNY = -1", "rates"),
        ("allow_private = 3", "allow_private"),
        ("keys = [", "end of document"),
    ],
)
@pytest.mark.parametrize("folder", ["home", "cwd"])
def test_a_bad_value_names_its_file_and_its_key(place: Any, folder: str, text: str, said: str) -> None:
    path = place.write(folder, text)
    with pytest.raises(ConfigError, match=said) as raised:
        place.gather()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_urls": {"klng": "https://x.example"}}, r"base_urls\.klng: no such provider"),
        ({"keys": {"kling:us": "k"}}, r"keys\.kling:us: kling has no such region; it has cn, intl"),
        ({"regions": {"klng": "cn"}}, r"regions\.klng"),
        ({"regions": {"kling": "us"}}, r"regions\.kling: kling has no region 'us'"),
        ({"limits": {"kling/kling-9": 3}}, r"limits\.kling/kling-9"),
        ({"routing": {"deny": ["klling"]}}, r"routing\.deny: nothing is called 'klling'"),
        ({"routing": {"allow": "kling/kling-9"}}, r"routing\.allow: nothing is called 'kling/kling-9'"),
        ({"routing": {"min_rating": float("nan")}}, r"routing\.min_rating"),
        ({"home": ""}, r"home = '': it names no folder"),
        ({"currency": "EUR"}, "currency is in EUR"),
        ({"budgets": (Budget("1 EUR"),)}, r"budgets\.episode is in EUR"),
    ],
)
def test_a_name_or_a_currency_nobody_knows_is_an_error(place: Any, settings: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        place.access("kling", Config(**settings))


def test_a_region_of_the_environment_is_checked_too(place: Any) -> None:
    place.environ["KLING_REGION"] = "moon"
    with pytest.raises(ConfigError, match="the environment: kling has no region 'moon'"):
        place.access("kling")


@pytest.mark.parametrize("limit", ["kling", "kling-3.0", "kling/kling-3.0"])
def test_limits_by_provider_model_or_both(place: Any, limit: str) -> None:
    place.access("kling", Config(limits={limit: 7}))


def test_rates_of_ones_own(place: Any) -> None:
    place.write("home", 'currency = "EUR"\n[rates]\ndate = 2026-11-22\nCNY = "7.1"\nEUR = "0.9"')
    rates = place.gather().rates
    assert (rates.stated, rates.rate("USD", "EUR")) == (date(2026, 11, 22), Decimal("0.9"))


def test_further_cards_by_variable_and_a_folder_that_is_none(place: Any, tmp_path: Path) -> None:
    cards = tmp_path / "cards" / "house"
    (cards / "models").mkdir(parents=True)
    (cards / "provider.toml").write_text(
        'name = "house"\ntitle = "House"\nadapter = "ark"\ndefault_region = "cn"\n'
        '[regions.cn]\nbase_url = "https://house.example"\ncurrency = "CNY"\nkey_env = "HOUSE_API_KEY"\n',
        "utf-8",
    )
    place.environ |= {"DRAMAGEN_PROVIDERS": str(cards.parent), "HOUSE_API_KEY": "k"}
    assert place.access("house")["cn"].keyed
    place.environ["DRAMAGEN_PROVIDERS"] = str(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="nowhere is not a folder of cards"):
        place.access("kling")


# --- a home that is none, caps that are none ----------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "home", "deep/er"])
def test_a_home_that_is_a_file_is_told_that_a_folder_is_needed(place: Any, below: str) -> None:
    file = place.cwd / "a-file"
    file.write_text("not a folder")
    place.environ["DRAMAGEN_HOME"] = str(file / below)
    with pytest.raises(ConfigError) as caught:
        place.gather()
    assert str(caught.value).startswith(f"DRAMAGEN_HOME: {file} is a file; the home is a folder")
    with pytest.raises(ConfigError, match=r"Config\.home: .* is a file"):
        place.gather(Config(home=file / below))


def test_a_home_that_is_not_there_yet_is_no_mistake(place: Any) -> None:
    assert place.gather(Config(home=place.cwd / "not" / "yet")).home == place.cwd / "not" / "yet"


@pytest.mark.parametrize(
    "budgets",
    [
        "9 CNY",
        {"day": "9 CNY"},
        {"limit": "9 CNY"},
        Money("9 CNY"),
        9,
        None,
        ["9 CNY"],
        [9],
        [{"day": "9 CNY"}],
    ],
)
def test_caps_of_another_shape_are_told_the_right_one(budgets: Any) -> None:
    with pytest.raises(ConfigError, match=r"budgets=\[Budget\('9 CNY', per='day'\)\]"):
        Config(budgets=budgets)


def test_caps_are_a_list_and_one_may_stand_alone() -> None:
    cap = Budget("9 CNY", per="day")
    assert Config(budgets=cap).budgets == Config(budgets=[cap]).budgets == (cap,)
    assert Config(budgets=[{"limit": "9 CNY", "per": "day"}]).budgets == (cap,)
