"""What every door stands on: who calls, one transaction a request, refusals, idempotency, paging, pages.

A new door in four steps:

1. A folder `api/<door>/` with `__init__.py`, and `templates/` for its pages (addressed as `<door>/name.html`).
2. JSON routes on `router = api_router("/things", "<door>")`, pages on `pages = page_router("/things")`
   (`routes`). A route is a plain `def` that takes what it needs by type and calls one service:

       @router.post("/{thing_id}/actions/close", responses=problem_answers(404, 409, 412), summary="Close")
       def close(response: Response, session: SessionOf, context: ContextOf, principal: PrincipalOf,
                 thing_id: UUID, seen: SeenRevision, wish: ClosingInput) -> ThingOut:
           thing = things.close(session, context, principal, thing_id, wish, seen=seen)
           tag(response, thing.revision)
           return show(thing)

   It never commits, catches no refusal, knows no HTTP status but those of success. Who is not signed in, has the
   wrong scope, sends too much, too fast, twice or from another site is refused before the route is called.
   Marks: `@public`, `@only_reads` (a POST that changes nothing), `@shown_once` (answers a secret),
   `@takes_upload`, `@tries_secrets`.
3. Lists: `fetch_page(session, query, wanted, at=…, row_id=…)` and `page_of(request, response, found, show)`.
   Pages: `page(request, "<door>/list.html", things=…)`; the template extends `base.html`, imports `parts.html`,
   says everything twice, `{{ say("Open", "打开") }}`, and its forms act through the JSON routes (`static/forms.js`).
4. `api/<door>/door.py` with `DOOR = Door(…)`: its name, words, routers and menu entries. It is found by itself.
"""
