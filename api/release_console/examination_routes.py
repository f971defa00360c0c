"""JSON routes: holds and what officers decide on them, examinations and their reports, the decision table."""

from __future__ import annotations

from api.cases.desks import add_reading_routes, add_step_routes
from api.cases.examination import EXAMINATION_DESK, HOLD_DESK, named_anomaly, option
from api.cases.views import Words
from api.foundation.callers import PrincipalOf
from api.foundation.routes import api_router
from api.release_console.schemas import DispositionTable, TableRow
from workflow.examination.rules import TABLE

holds = api_router("/holds", "release_console")
examinations = api_router("/examinations", "release_console")
table = api_router("/dispositions", "release_console")

add_reading_routes(holds, HOLD_DESK)
add_step_routes(holds, HOLD_DESK, ("dispose",))
add_reading_routes(examinations, EXAMINATION_DESK)
add_step_routes(examinations, EXAMINATION_DESK, ("isolate", "report"))


@table.get("", summary="Read the disposition table")
def read_table(principal: PrincipalOf) -> DispositionTable:
    """Tell what may be done about each anomaly, and why no more."""
    del principal
    return DispositionTable(
        items=[
            TableRow(
                anomaly=named_anomaly(row.anomaly),
                allowed=[option(disposition) for disposition in row.allowed],
                because=Words.of(row.because),
            )
            for row in TABLE
        ]
    )
