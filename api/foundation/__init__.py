"""What every door stands on: who calls, one transaction a request, refusals, idempotency, paging, pages."""
