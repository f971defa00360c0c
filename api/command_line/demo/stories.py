"""The three stories. Each step looks first where its case stands, so that a story goes on where it was left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.command_line.demo.agents import PATIENCE_S, PAUSE_S, Agent, TooSlow, checked_digest
from api.command_line.demo.cast import Cast
from api.command_line.demo.dossiers import Dossier
from kernel.clock import SystemClock
from kernel.errors import Text

Case = dict[str, Any]
AFTER_EXAMINATION = ("guarantee", "released", "closed")
USABLE = ("active", "partly_used", "fully_used")


@dataclass(frozen=True)
class Told:
    """What a finished step has to tell."""

    words: str
    again: bool = False
    """Whether it had been done before."""


Do = Callable[[], Told]
Tell = Callable[[Text, Do], None]
"""Shows a step while it runs."""


@dataclass(frozen=True)
class Outcome:
    """How a story ended."""

    dossier: Dossier
    declaration: Case
    cases: list[tuple[str, str]]
    """(kind, identifier) of every case of the story."""


class Story:
    """One dossier on its way from filing to recorded release."""

    def __init__(self, dossier: Dossier, cast: Cast, tell: Tell) -> None:
        self.dossier = dossier
        self.cast = cast
        self._tell = tell
        self._clock = SystemClock()
        self.certificate: Case = {}
        self.declaration: Case = {}
        self.note: Case = {}

    def run(self) -> Outcome:
        """Carry the dossier through."""
        self._certify()
        self._declare()
        middle = {1: self._pass_gate, 2: self._amend, 3: self._examine}
        middle[self.dossier.data["story"]]()
        self._release()
        kinds = [("certificates", self.certificate["id"]), ("declarations", self.declaration["id"])]
        if self.note:
            kinds.append(("check-notes", self.note["id"]))
        return Outcome(self.dossier, self.declaration, kinds)

    # ------------------------------------------------------------------------------------------ certificate

    def _certify(self) -> None:
        broker, committee, customs = self.cast.broker, self.cast.committee, self.cast.documents_officer
        self._step(
            Text("Broker writes the certificate and attaches its letter", "企业填写证明函并上传原件"),
            self._draft,
        )
        path = f"/certificates/{self.certificate['id']}"
        self._step(
            Text("Broker signs and submits it", "企业签署并提交"),
            lambda: self._signed("certificate", broker, path, "draft", "submit", "under_committee_review"),
        )
        self._step(
            Text("Committee confirms the same content", "组委会确认同一内容"),
            lambda: self._signed(
                "certificate", committee, path, "under_committee_review", "approve", "committee_approved"
            ),
        )
        self._step(
            Text("Customs files it: confirmed by all three, active", "海关备案：三方确认，生效"),
            lambda: self._signed("certificate", customs, path, "committee_approved", "file", *USABLE),
        )

    def _draft(self) -> Told:
        broker = self.cast.broker
        found = broker.get("/certificates", number=self.dossier.certificate_number)["items"]
        if found:
            self.certificate = broker.get(f"/certificates/{found[0]['id']}")
        else:
            content = self.dossier.certificate(self._clock.now())
            self.certificate = broker.post("/certificates", json=content)
        again = bool(found)
        if self.certificate["state"] == "draft" and not self._papers("certificate", self.certificate):
            letter = self.dossier.letter()
            broker.attach(
                "certificate",
                self.certificate["id"],
                "certificate",
                letter["file"],
                self.dossier.file(letter["file"]),
            )
            again = False
        return Told(f"{self.certificate['number']}, {len(self.certificate['lines'])} lines", again)

    # ------------------------------------------------------------------------------------------ declaration

    def _declare(self) -> None:
        program = self.cast.broker_program
        self._step(
            Text(
                "Broker's software sends the declaration (WCO XML) and scans",
                "企业系统发送报关单（WCO XML）和单证扫描件",
            ),
            self._send,
        )
        path = f"/declarations/{self.declaration['id']}"
        after = ("document_examination", "documents_required", "examination", "detained", *AFTER_EXAMINATION)
        self._step(
            Text("It signs and files: quantities reserved line by line", "签署并申报：逐行预留数量"),
            lambda: self._signed("declaration", program, path, "draft", "submit", *after),
        )
        self._step(
            Text("The worker reads the scans and compares them", "系统识读扫描件并与申报比对"), self._compared
        )

    def _send(self) -> Told:
        program = self.cast.broker_program
        found = program.get("/declarations", reference=self.dossier.reference)["items"]
        if found:
            self.declaration = program.get(f"/declarations/{found[0]['id']}")
        else:
            self.declaration = program.post(
                "/declarations",
                content=self.dossier.declaration_xml(),
                headers={"Content-Type": "application/xml"},
            )
        attached = self._papers("declaration", self.declaration)
        again = bool(found)
        for paper in self.dossier.papers(1):
            if self.declaration["state"] == "draft" and paper["kind"] not in attached:
                data = self.dossier.file(paper["file"])
                program.attach("declaration", self.declaration["id"], paper["kind"], paper["file"], data)
                again = False
        return Told(f"{self.dossier.reference}, {len(self.declaration['content']['lines'])} lines", again)

    def _compared(self) -> Told:
        path = f"/declarations/{self.declaration['id']}"
        waiting = ("documents_required", "examination", *AFTER_EXAMINATION)
        self.declaration = self._until(
            path, lambda case: case["state"] in waiting or bool(self._open_holds())
        )
        holds = self._open_holds()
        if holds:
            return Told(f"HELD: {holds[0]['why']['en']}\n{holds[0]['why']['zh']}")
        return Told(
            f"{self.declaration['number']}: documents agree"
            if self.declaration["state"] != "documents_required"
            else ""
        )

    # ------------------------------------------------------------------------------------------------ gate

    def _pass_gate(self) -> None:
        broker, officer = self.cast.broker, self.cast.documents_officer
        self._step(Text("Broker writes a check note for the truck", "企业为车辆填写核放单"), self._draft_note)
        path = f"/check-notes/{self.note['id']}"
        self._step(
            Text("Broker signs it", "企业签署核放单"),
            lambda: self._signed(
                "note", broker, path, "draft", "apply", "applied", "approved", "passed_gate_1", "passed"
            ),
        )
        self._step(
            Text("Customs approves it", "海关核准核放单"),
            lambda: self._signed(
                "note", officer, path, "applied", "approve", "approved", "passed_gate_1", "passed"
            ),
        )
        self._step(
            Text(
                "Gate compares plate, weight and seal, and opens once", "卡口核对车牌、重量和关锁，抬杆一次"
            ),
            self._gate,
        )

    def _draft_note(self) -> Told:
        broker = self.cast.broker
        content = self.dossier.check_note(self.declaration)
        found = broker.get("/check-notes", internal_no=content["internal_no"])["items"]
        note_id = found[0]["id"] if found else broker.post("/check-notes", json=content)["id"]
        self.note = broker.get(f"/check-notes/{note_id}")
        return Told(f"{self.note['number']}, {content['vehicle_plate']}", bool(found))

    def _gate(self) -> Told:
        gate, path = self.cast.gate, f"/check-notes/{self.note['id']}"
        self.note = self.cast.broker.get(path)
        if self.note["state"] == "passed":
            return Told("passed before", again=True)
        said = ""
        for number in range(1, self.dossier.data["check_note"]["gates"] + 1):
            event = self.dossier.gate_event(self.note, number, self._clock.now())
            prepared = gate.post("/gate-events/statement", json={"event": event})
            event["signed_at"] = prepared["signed_at"]
            report = gate.post(
                "/gate-events", json={"event": event, "signature": gate.sign(checked_digest(prepared))}
            )
            said = self._barrier(report["id"])
        self.note = self.cast.broker.wait(path, "passed")
        return Told(said)

    def _barrier(self, event_id: str) -> str:
        gate = self.cast.gate
        path = f"/gate-events/{event_id}"
        event = self._poll(gate, path, lambda seen: seen["instruction"] != "waiting")
        return f"barrier: {event['instruction']}"

    # ------------------------------------------------------------------------------------------- the mismatch

    def _amend(self) -> None:
        officer, program = self.cast.releasing_officer, self.cast.broker_program
        path = f"/declarations/{self.declaration['id']}"
        self._step(
            Text("Officer decides from the disposition table", "关员按处置表作出决定"),
            lambda: self._dispose(officer),
        )
        self._step(
            Text("Broker sends the amended declaration and invoice", "企业提交修改后的报关单和发票"),
            self._send_amendment,
        )
        self._step(
            Text("Broker signs the amendment: draws adjusted", "企业签署修改：调整预留数量"),
            lambda: self._signed(
                "declaration",
                program,
                path,
                "documents_required",
                "amend",
                "document_examination",
                *AFTER_EXAMINATION,
            ),
        )
        self._step(Text("The scans are compared again and agree", "再次比对，单证相符"), self._compared)

    def _dispose(self, officer: Agent) -> Told:
        holds = self._open_holds()
        if not holds:
            return Told("decided before", again=True)
        reason = "Four cartons on the packing list, three declared; the firm amends"
        for hold in holds:
            officer.act(
                f"/holds/{hold['id']}/actions/dispose", disposition="release_with_amendment", reason=reason
            )
            officer.wait(f"/holds/{hold['id']}", "decided")
        self.declaration = officer.wait(f"/declarations/{self.declaration['id']}", "documents_required")
        return Told("release after amendment 修改申报后放行")

    def _send_amendment(self) -> Told:
        program, path = self.cast.broker_program, f"/declarations/{self.declaration['id']}"
        self.declaration = program.get(path)
        if self.declaration["state"] != "documents_required":
            return Told("sent before", again=True)
        for paper in self.dossier.papers(2):
            data = self.dossier.file(paper["file"])
            program.attach("declaration", self.declaration["id"], paper["kind"], paper["file"], data)
        self.declaration = program.get(path)
        self.declaration = program.put(
            path,
            etag=self.declaration["revision"],
            content=self.dossier.declaration_xml(amended=True),
            headers={"Content-Type": "application/xml"},
        )
        return Told("four cartons, invoice as amended")

    # ------------------------------------------------------------------------------------------- the portal

    def _examine(self) -> None:
        self._step(Text("The pallet rings the radiation portal", "托盘触发辐射门报警"), self._ring)
        self._step(Text("Inspector isolates the goods", "查验关员隔离货物"), self._isolate)
        self._step(
            Text("Second measurement by hand, with a wipe", "手持仪器复测并擦拭取样"), self._measure_again
        )
        self._step(Text("Inspector signs the report: conform", "查验关员签署报告：相符"), self._report)

    def _ring(self) -> Told:
        if self._examinations():
            return Told("rang before", again=True)
        readings = self.dossier.readings(self.declaration["id"], self._clock.now())
        judged = self._send_reading(next(one for one in readings if one["stage"] == "portal"))
        message = judged["judgement"]["message"]
        self.declaration = self.cast.broker.wait(f"/declarations/{self.declaration['id']}", "examination")
        return Told(f"HELD: {message['en']}\n{message['zh']}")

    def _isolate(self) -> Told:
        (examination,) = self._examinations()
        if examination["state"] != "ordered":
            return Told("isolated before", again=True)
        path = f"/examinations/{examination['id']}"
        self.cast.inspector.post(f"{path}/actions/isolate", json={})
        return Told("isolation bay 2 第二隔离区")

    def _measure_again(self) -> Told:
        (examination,) = self._examinations()
        measured = examination["verdict"]["measurements"] if examination["verdict"] else []
        readings = self.dossier.readings(self.declaration["id"], self._clock.now())
        retests = [one for one in readings if one["stage"] == "retest"]
        if examination["state"] == "reported" or len(measured) >= len(retests):
            return Told("measured before", again=True)
        said = [self._send_reading(one)["judgement"]["message"] for one in retests]
        return Told("\n".join(line for words in said for line in (words["en"], words["zh"])))

    def _report(self) -> Told:
        (examination,) = self._examinations()
        if examination["state"] == "reported":
            return Told("reported before", again=True)
        inspector, path = self.cast.inspector, f"/examinations/{examination['id']}"
        inspector.act(
            f"{path}/actions/report", result="conform", reason="Check source as declared; within the limit"
        )
        inspector.wait(path, "reported")
        self.declaration = inspector.wait(f"/declarations/{self.declaration['id']}", *AFTER_EXAMINATION)
        return Told("conform 相符")

    def _send_reading(self, reading: Case) -> Case:
        instrument = self.cast.instrument
        prepared = instrument.post("/readings/statement", json={"reading": reading})
        signature = instrument.sign(checked_digest(prepared))
        sent = instrument.post("/readings", json={"reading": reading, "signature": signature})
        return self._poll(instrument, f"/readings/{sent['id']}", lambda seen: seen["judgement"] is not None)

    def _examinations(self) -> list[Case]:
        listed: list[Case] = self.cast.inspector.get(f"/declarations/{self.declaration['id']}/examinations")[
            "items"
        ]
        return listed

    # ------------------------------------------------------------------------------------------------ release

    def _release(self) -> None:
        officer, path = self.cast.releasing_officer, f"/declarations/{self.declaration['id']}"
        self._step(
            Text("Releasing officer signs the release", "放行关员签署放行"),
            lambda: self._sign_release(officer, path),
        )
        self._step(
            Text("The release stands on the chain", "放行决定已上链"), lambda: self._recorded(officer, path)
        )

    def _sign_release(self, officer: Agent, path: str) -> Told:
        self.declaration = (
            officer.wait(path, *AFTER_EXAMINATION)
            if not self._waits_for_second(officer, path)
            else officer.get(path)
        )
        if self.declaration["state"] in {"released", "closed"}:
            return Told("released before", again=True)
        if self.declaration["pending_event"] is None:
            officer.act(f"{path}/actions/release")
        if self.declaration["channel"] != "red":
            return Told("yellow channel, one officer 黄色通道，一人签署")
        supervisor = self.cast.supervisor
        if self._waits_for_second(supervisor, path):
            supervisor.act(f"{path}/countersign")
        return Told("red channel, countersigned by a second officer 红色通道，二人签署")

    @staticmethod
    def _waits_for_second(agent: Agent, path: str) -> bool:
        case = agent.get(path)
        return case["pending_event"] == "release" and bool(case["awaits_second_signature"])

    def _recorded(self, officer: Agent, path: str) -> Told:
        self.declaration = officer.wait(path, "released", "closed")
        return Told(f"{self.declaration['number']} is {self.declaration['state']}")

    def _await_note(self) -> Told:
        path = f"/declarations/{self.declaration['id']}/documents"
        listed = self._poll(self.cast.broker, path, lambda seen: _release_note(seen) is not None)
        note = _release_note(listed) or {}
        return Told(f"{note['name']}, {note['size'] / 1024:.0f} kB")

    # ------------------------------------------------------------------------------------------------- shared

    def _step(self, words: Text, do: Do) -> None:
        self._tell(words, do)

    def _signed(self, which: str, agent: Agent, path: str, before: str, event: str, *after: str) -> Told:
        """Take a signed step where the case still stands before it, and wait until it is recorded."""
        case = agent.get(path)
        again = not (case["state"] == before and case["pending_event"] is None)
        if not again:
            agent.act(f"{path}/actions/{event}")
        case = agent.wait(path, *after, *_later(after))
        setattr(self, which, case)
        return Told(f"{case['state']}", again)

    def _papers(self, kind: str, case: Case) -> set[str]:
        path = {"certificate": "certificates", "declaration": "declarations"}[kind]
        listed = self.cast.broker.get(f"/{path}/{case['id']}/documents")["items"]
        return {paper["kind"] for paper in listed if paper["state"] != "superseded"}

    def _open_holds(self) -> list[Case]:
        holds = self.cast.releasing_officer.get(f"/declarations/{self.declaration['id']}/holds")["items"]
        return [hold for hold in holds if hold["state"] == "open"]

    def _until(self, path: str, reached: Callable[[Case], bool]) -> Case:
        return self._poll(self.cast.broker, path, reached)

    @staticmethod
    def _poll(agent: Agent, path: str, reached: Callable[[Case], bool]) -> Case:
        until = time.monotonic() + PATIENCE_S
        while True:
            seen: Case = agent.get(path)
            if reached(seen):
                return seen
            if time.monotonic() > until:
                raise TooSlow(seconds=PATIENCE_S, what=path, at=str(seen.get("state") or seen))
            time.sleep(PAUSE_S)


_ORDER = (
    "draft",
    "submitted",
    "under_committee_review",
    "committee_approved",
    "customs_filed",
    "active",
    "partly_used",
    "fully_used",
)


def _later(states: tuple[str, ...]) -> tuple[str, ...]:
    """Give the states of a certificate that lie behind those, for a story that is told again."""
    known = [_ORDER.index(state) for state in states if state in _ORDER]
    return _ORDER[max(known) + 1 :] if known else ()


def _release_note(listed: Case) -> Case | None:
    return next((paper for paper in listed["items"] if paper["kind"] == "release_note"), None)
