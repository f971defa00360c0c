"""The verifier: judges a release note, a proof bundle or a redacted copy from the file alone, without a network.

It imports nothing of Piste but itself; formats and procedure are in docs/verification.md.
"""

from ledger.verifier.anchor import TrustAnchor, TrustAnchorMalformed
from ledger.verifier.procedure import verify
from ledger.verifier.results import Outcome, Result

__all__ = ["Outcome", "Result", "TrustAnchor", "TrustAnchorMalformed", "verify"]
