"""`axlebox gateway run|check|status|pin|command|replay|update|enrol`."""

import json
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.command_cli import command
from gateway.config import GatewayConfig, load_config, load_keys, load_password, load_token
from gateway.enrol_cli import enrol
from gateway.errors import AxleboxError, LinkError
from gateway.logs import LogFormat, start_logging
from gateway.profiles import load_profile
from gateway.replay_cli import replay
from gateway.service import run_until_signalled
from gateway.status_text import print_state
from gateway.update.cli import update
from gateway.web.pin import SALT_BYTES, hash_pin, load_pin, write_pin

__all__ = ["app"]

app = typer.Typer(help="Collect on the locomotive.", no_args_is_help=True)

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="the configuration file")]
DEFAULT_CONFIG = Path("axlebox.toml")
TOKEN_VARIABLE = "AXLEBOX_INFLUX_TOKEN"
_ANSWER_S = 3


@app.command()
def run(
    config: ConfigPath = DEFAULT_CONFIG,
    log: Annotated[LogFormat, typer.Option(help="how the log is written")] = LogFormat.TEXT,
) -> None:
    """Collect, show and forward until stopped."""
    start_logging(log)
    settings = load_config(config)
    run_until_signalled(
        settings,
        _token(settings),
        lambda host, port: print(f"page {page_url(host, port)}", flush=True),
    )


@app.command()
def check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Read the configuration, the keys and the profile, and say what is wrong."""
    settings = load_config(config)
    load_keys(settings)
    profile = load_profile(settings.locomotive.profile)
    _token(settings)
    if settings.mqtt is not None:
        load_password(settings.mqtt)
    if settings.page.pin_file is not None:
        load_pin(settings.page.pin_file)
    missing = [port for port in settings.serial if not port.port.exists()]
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for port in missing:
        console.print(f"note: {port.port} ({port.name}) is not there now; it is waited for")
    if not settings.nodes:
        raise AxleboxError(f"{config}: no [[nodes]]: nothing would be believed; add one a board")
    console.print(
        f"{config}: good. {settings.locomotive.id} ({profile.title}), "
        f"{len(settings.nodes)} nodes, {len(settings.serial)} serial ports, "
        f"{f'broker {settings.mqtt.host}:{settings.mqtt.port}, ' if settings.mqtt else ''}"
        f"forwarding {'to ' + settings.influx.url if settings.influx else 'off'}"
    )


@app.command()
def status(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="print /api/state")] = False,
) -> None:
    """Ask the running gateway how things are."""
    settings = load_config(config)
    url = page_url(settings.page.host, settings.page.port)
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with directly.open(url + "api/state", timeout=_ANSWER_S) as answer:
            state = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise LinkError(
            f"no gateway answers at {url} ({error}); start it with: "
            f"axlebox gateway run -c {config}"
        ) from None
    if as_json:
        print(json.dumps(state))
    else:
        print_state(Console(markup=False, highlight=False), state)


@app.command()
def pin(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Set the crew's PIN for acting on alarms: asks for it twice, keeps its hash alone."""
    path = load_config(config).page.pin_file
    if path is None:
        raise AxleboxError(f'{config}: name the file first: [page] pin_file = "crew.pin"')
    chosen = typer.prompt("PIN, 6 to 12 digits", hide_input=True, confirmation_prompt="once more")
    write_pin(path, hash_pin(chosen, secrets.token_bytes(SALT_BYTES)))
    print(f"{path} written; it holds from the gateway's next start on")


app.command()(command)
app.command()(replay)
app.command()(update)
app.command()(enrol)


def page_url(host: str, port: int) -> str:
    """The page's address as a browser wants it."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"


def _token(settings: GatewayConfig) -> str | None:
    if settings.influx is None:
        return None
    return load_token(settings.influx, os.environ.get(TOKEN_VARIABLE))
