"""The demo's world in one folder: authority, tokens, a box with store and configuration, a bus, as on real machines.

``build`` makes the files; ``programs`` says which processes run on them. The day, ``tram demo`` and the tests share it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings, load_settings
from appliance.errors import N_, ConfigError
from appliance.signing.token import TokenKey
from provisioning import ready
from provisioning.box import make_desk
from provisioning.clamd import clamd_program
from provisioning.demo import pki, soft_token, tls
from provisioning.demo.artwork import seal_png, signature_png
from provisioning.demo.cast import CHAIR, COUNCIL_CHAIR, ORGANS, PEOPLE, PROVINCE, PROVINCE_OFFICE, UBND
from provisioning.demo.letters import PROVINCE_LEADER
from provisioning.demo.office import bind_key, fill
from provisioning.nginx import Front, nginx_program
from provisioning.supervisor import Program

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
MARK = "tram-demo"
"""A file in a demo's data folder; only a folder that has it is ever made anew."""


@dataclass(frozen=True)
class Ports:
    """TCP ports of one demo, all on loopback."""

    web: int
    line: int
    operator: int
    api: int
    services: int

    @classmethod
    def after(cls, first: int) -> Ports:
        """Five ports in a row."""
        return cls(first, first + 1, first + 2, first + 3, first + 4)

    @property
    def trust_services(self) -> str:
        """Address of revocation lists, OCSP and time stamps."""
        return f"http://127.0.0.1:{self.services}"


@dataclass(frozen=True)
class World:
    """Everything made. ``pins``: username or organ id → PIN; ``province_keys``: (personal, seal)."""

    data: Path
    ports: Ports
    settings: Settings
    config: Path
    bus_config: Path
    passwords: dict[str, str]
    pins: dict[str, str]
    accounts: dict[str, str]
    province: Settings
    province_keys: tuple[TokenKey, TokenKey]

    @property
    def base(self) -> str:
        """The box's address in the browser."""
        return f"https://127.0.0.1:{self.ports.web}"

    @property
    def operator(self) -> str:
        """The bus's page."""
        return f"http://127.0.0.1:{self.ports.operator}"

    @property
    def lan_ca(self) -> Path:
        """The authority the office's browsers trust."""
        return self.data / "pki" / "lan" / "ca.pem"

    @property
    def signing_root(self) -> Path:
        """The root that both kinds of signature lead to."""
        return self.data / "pki" / "signing" / "trust" / "root.pem"


def build(data: Path, port: int) -> World:
    """Make a new world in ``data``, a folder without one (see ``clear``)."""
    ports = Ports.after(port)
    authority = pki.make_ca(data / "pki" / "signing", services=ports.trust_services)
    box, province = data / "box", data / "province"
    for home in (box, province):
        shutil.copytree(authority.trust, home / "trust")
    _write_tls(data)
    config = _write_box_config(data, ports)
    settings = load_settings(config)
    passwords = {person.username: _secret(12) for person in PEOPLE}
    pins = {who: _secret(6, "0123456789") for who in (CHAIR.username, UBND.id, COUNCIL_CHAIR.username, "hdnd-hoa-binh")}
    accounts = _furnish(settings, authority, data / "tokens", passwords, pins)
    keys, secret = _province_keys(authority, province / "tokens")
    return World(
        data=data,
        ports=ports,
        settings=settings,
        config=config,
        bus_config=_write_bus_config(data, ports),
        passwords=passwords,
        pins={**pins, "province": secret},
        accounts=accounts,
        province=Settings(data=province, pkcs11_modules=(_module(),)),
        province_keys=keys,
    )


def programs(world: World) -> list[Program]:
    """The box's processes and the bus, in the order they start."""
    settings, run = world.settings, world.settings.run
    lan = world.data / "pki" / "lan"
    front = Front(
        world.ports.web, lan / "server.pem", lan / "server.key", names=("localhost", "127.0.0.1", "tram.local")
    )
    return [
        clamd_program(settings),
        Program(
            "signer",
            _tram("signer", world.config),
            softhsm(world.data / "tokens"),
            ready.unix_socket(run / "signer.sock"),
        ),
        _trust_services(world),
        Program("bus", _tram("bus", world.bus_config), {}, ready.http(f"{world.operator}/control/state")),
        Program("web", _tram("web", world.config), {}, ready.unix_socket(run / "web.sock")),
        nginx_program(settings, front),
        Program("sync", _tram("sync", world.config), {}, restart=True),
    ]


def _trust_services(world: World) -> Program:
    """What the Government's authority has on the network: revocation lists, OCSP, time stamps."""
    address = world.ports.trust_services
    command = (sys.executable, "-m", "provisioning.demo.trust_services", str(world.data / "pki" / "signing"), address)
    return Program("trust-services", command, {}, ready.http(f"{address}/crl/root.crl"))


def province_signer(world: World) -> Program:
    """A signer for the province's tokens, needed only while the demo's letter is made."""
    config = world.data / "province" / "tram.toml"
    config.write_text(f'data = "."\npkcs11_modules = ["{_module()}"]\n', "utf-8")
    socket = world.province.signer_socket
    return Program(
        "province", _tram("signer", config), softhsm(world.province.data / "tokens"), ready.unix_socket(socket)
    )


def softhsm(store: Path) -> dict[str, str]:
    """The environment that shows a process this token store and no other."""
    return {"SOFTHSM2_CONF": str(store / "softhsm2.conf")}


def _tram(command: str, config: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "provisioning", command, "--config", str(config))


def clear(data: Path) -> None:
    """An empty folder with the demo's mark; an older demo in it goes.

    Raises ConfigError when the folder holds something that is no demo.
    """
    if data.exists() and any(data.iterdir()):
        if not (data / MARK).exists():
            raise ConfigError(
                N_("Thư mục %(data)s có dữ liệu khác, không phải của bản trình diễn."),
                next_step=N_("Chọn thư mục khác bằng --data."),
                data=data,
            )
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    (data / MARK).write_text("made anew by every `tram demo`\n", "ascii")


def _write_tls(data: Path) -> None:
    """The LAN's authority with the box's certificate; the link's with the bus's and the box's."""
    tls.make_lan(data / "pki" / "lan", names=("localhost", "tram.local"), addresses=("127.0.0.1",))
    box = tuple(organ.code for organ in ORGANS if organ.local)
    tls.make_link(data / "pki" / "link", clients={"box": box, "province": (PROVINCE_OFFICE.code,)})


def _write_box_config(data: Path, ports: Ports) -> Path:
    config = data / "box" / "tram.toml"
    config.write_text(
        f'''# The demo box; a real one lives in /etc/tram/tram.toml (docs/operations.md).
data = "."
box_name = "Trạm Văn Bản xã Hòa Bình"
public_hosts = ["127.0.0.1:{ports.web}", "localhost:{ports.web}", "tram.local:{ports.web}"]
bus_url = "https://127.0.0.1:{ports.line}/v1"
bus_ca = "../pki/link/ca.pem"
link_certificate = "../pki/link/box.pem"
link_key = "../pki/link/box.key"
poll_seconds = 2
tsa_url = "{ports.trust_services}/tsa"
pkcs11_modules = ["{_module()}"]
chronyc = {"true" if shutil.which("chronyc") else "false"}
''',
        "utf-8",
    )
    return config


def _write_bus_config(data: Path, ports: Ports) -> Path:
    organs = "\n".join(
        f'[[organs]]\ncode = "{o.code}"\nold_codes = ["{o.old_code}"]\nname = "{o.name}"\nplace = "{o.place}"\n'
        f"virtual = {'false' if o.local else 'true'}\n"
        f'signer_name = "{PROVINCE_LEADER}"\nsigner_position = "Chánh Văn phòng"\n'
        for o in ORGANS
    )
    (data / "bus").mkdir()
    config = data / "bus" / "bus.toml"
    config.write_text(
        f"""data = "."
name = "Trục liên thông văn bản tỉnh Hải Vân (trình diễn)"
certificate = "../pki/link/server.pem"
key = "../pki/link/server.key"
client_ca = "../pki/link/ca.pem"
receipt_certificate = "../pki/link/receipts.pem"
receipt_key = "../pki/link/receipts.key"
api_port = {ports.api}
line_port = {ports.line}
operator_port = {ports.operator}
default_pdf = "letter.pdf"

{organs}""",
        "utf-8",
    )
    return config


def _furnish(
    settings: Settings, authority: pki.Authority, tokens: Path, passwords: dict[str, str], pins: dict[str, str]
) -> dict[str, str]:
    """The box's store with organs, people, seals, and keys made on its tokens; returns username → account id."""
    desk = make_desk(settings, create=True)
    seals = {organ.id: seal_png(organ.name, f"TỈNH {PROVINCE}") for organ in ORGANS if organ.local}
    signatures = {person.username: signature_png(person.full_name) for person in (CHAIR, COUNCIL_CHAIR)}
    accounts = fill(desk, passwords=passwords, seals=seals, signatures=signatures)
    store = soft_token.make_store(tokens)
    for leader, organ in ((CHAIR, UBND), (COUNCIL_CHAIR, ORGANS[1])):
        for who, label, name, holder in (
            (leader.username, f"Ca nhan {leader.username}", leader.full_name, accounts[leader.username]),
            (organ.id, f"Con dau {organ.abbreviation}", organ.name, None),
        ):
            position = leader.position.capitalize() if holder else ""
            key = pki.make_signer(
                authority,
                store,
                _module(),
                label=label,
                pin=pins[who],
                common_name=name,
                organ=organ.name,
                position=position,
            )
            bind_key(desk, organ_id=organ.id, holder_id=holder, key=key, token_label=label)
    desk.db.close()
    return accounts


def _province_keys(authority: pki.Authority, tokens: Path) -> tuple[tuple[TokenKey, TokenKey], str]:
    """The province's office has keys of its own, on tokens that the box never sees."""
    store, pin, organ = soft_token.make_store(tokens), _secret(6, "0123456789"), PROVINCE_OFFICE.name
    personal = pki.make_signer(
        authority,
        store,
        _module(),
        label="Ca nhan tinh",
        pin=pin,
        common_name=PROVINCE_LEADER,
        organ=organ,
        position="Chánh Văn phòng",
    )
    seal = pki.make_signer(authority, store, _module(), label="Con dau tinh", pin=pin, common_name=organ, organ=organ)
    return (personal, seal), pin


def _module() -> Path:
    """SoftHSM's PKCS#11 module, where Debian puts it. Raises ConfigError."""
    found = next(
        (Path(path) for path in (os.environ.get("TRAM_PKCS11", ""), *_MODULES) if path and Path(path).exists()), None
    )
    if found is None:
        raise ConfigError(N_("Chưa cài SoftHSM2 (gói softhsm2)."), next_step=N_("Chạy “make demo”, lệnh này tự cài."))
    return found


def _secret(length: int, alphabet: str = _ALPHABET) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
