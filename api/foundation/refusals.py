"""What the doors refuse by themselves, before any process is asked."""

from __future__ import annotations

from typing import ClassVar

from kernel.errors import Kind, PisteError, RevisionStale, Text

STATUS_OF_KIND: dict[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.UNAVAILABLE: 503,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
}
RETRY_AFTER_S = 5
"""How long a caller is asked to wait where something is unavailable."""


class DoorRefusal(PisteError):
    """Root of the refusals that only exist at the door; a subclass may fix an HTTP status of its own."""

    status: ClassVar[int | None] = None


class MalformedJson(DoorRefusal):
    """The body is no JSON."""

    code = "request.malformed-json"
    kind = Kind.INVALID
    status = 400
    message = Text(
        "The body is not JSON: {fault} at character {position}.",
        "请求正文不是有效的JSON：第{position}个字符处{fault}。",
    )
    next_step = Text(
        "Send well-formed JSON with Content-Type: application/json.",
        "请以Content-Type: application/json发送格式正确的JSON。",
    )
    fault: str
    position: int


class MalformedRequest(DoorRefusal):
    """The request does not follow HTTP."""

    code = "request.malformed"
    kind = Kind.INVALID
    status = 400
    message = Text("The request cannot be read: {fault}.", "无法读取该请求：{fault}。")
    next_step = Text(
        "Compare the request with the interface's description at /developers.",
        "请对照/developers中的接口说明检查请求。",
    )
    fault: str


class AddressUnknown(DoorRefusal):
    """Nothing lives at this address."""

    code = "request.address-unknown"
    kind = Kind.MISSING
    message = Text("There is nothing at {path}.", "地址{path}不存在。")
    next_step = Text(
        "Start from the first page, or from the list of addresses at /developers.",
        "请从首页进入，或查阅/developers中的地址列表。",
    )
    path: str


class MethodNotAllowed(DoorRefusal):
    """The address exists, but not for this method."""

    code = "request.method-not-allowed"
    kind = Kind.INVALID
    status = 405
    message = Text("{path} does not take {method}.", "{path}不接受{method}方法。")
    next_step = Text("Allowed here: {allowed}.", "此处允许：{allowed}。")
    path: str
    method: str
    allowed: str


class RequestTooLarge(DoorRefusal):
    """The body is larger than this address takes."""

    code = "request.too-large"
    kind = Kind.TOO_LARGE
    message = Text("The body is larger than {most} bytes.", "请求正文超过{most}字节。")
    next_step = Text(
        "Send less at once; scans up to the limit go to the upload addresses.",
        "请减小单次发送的内容；扫描件请使用上传地址。",
    )
    most: int


class TooManyRequests(DoorRefusal):
    """The caller sends faster than agreed."""

    code = "request.too-many"
    kind = Kind.TOO_MANY
    message = Text("You sent too many requests.", "请求过于频繁。")
    next_step = Text(
        "Wait {retry_after_s} s and go on more slowly.", "请等待{retry_after_s}秒后放慢频率继续。"
    )
    retry_after_s: int


class ForgeryProtection(DoorRefusal):
    """A change asked for by a browser does not prove that it comes from our own page."""

    code = "request.forgery-protection"
    kind = Kind.FORBIDDEN
    message = Text("The request does not come from a page of this session.", "该请求并非来自本会话的页面。")
    next_step = Text(
        "Load the page again and repeat the step; programs send X-CSRF-Token or use a bearer token.",
        "请重新载入页面后再操作；程序请携带X-CSRF-Token标头或使用访问令牌。",
    )


class ScopeMissing(DoorRefusal):
    """The token was issued for less than this."""

    code = "access.scope-missing"
    kind = Kind.FORBIDDEN
    message = Text("The token does not hold the scope {scope}.", "令牌不具备权限范围{scope}。")
    next_step = Text("Ask for a token with scope={scope}.", "请申请scope={scope}的令牌。")
    scope: str


class PersonsOnly(DoorRefusal):
    """A page or step for persons was asked for by a program."""

    code = "access.persons-only"
    kind = Kind.FORBIDDEN
    message = Text(
        "This is for persons who signed in with a passkey.", "此项仅供使用通行密钥登录的人员使用。"
    )
    next_step = Text("Sign in at /sign-in.", "请在/sign-in登录。")


class EntityTagMalformed(DoorRefusal):
    """If-Match holds something else than an entity tag of ours."""

    code = "request.entity-tag-malformed"
    kind = Kind.INVALID
    status = 400
    message = Text(
        "If-Match must hold the entity tag as it was given, not {given}.",
        "If-Match须为原样返回的实体标签，而非{given}。",
    )
    next_step = Text('Send for example If-Match: "3".', '例如：If-Match: "3"。')
    field = "If-Match"
    given: str


class CursorInvalid(DoorRefusal):
    """The cursor was not given by this list."""

    code = "request.cursor-invalid"
    kind = Kind.INVALID
    message = Text("The cursor was not given by this list.", "该游标并非由此列表给出。")
    next_step = Text(
        "Start again without a cursor and follow the links of the answers.",
        "请去掉游标重新开始，并按应答中的链接翻页。",
    )
    field = "/cursor"


class IdempotencyKeyInvalid(DoorRefusal):
    """The Idempotency-Key cannot be used."""

    code = "request.idempotency-key-invalid"
    kind = Kind.INVALID
    status = 400
    message = Text(
        "An Idempotency-Key has 8 to 200 visible ASCII characters.",
        "Idempotency-Key应为8至200个可见ASCII字符。",
    )
    next_step = Text("Send a fresh UUID for each change.", "请为每次变更使用新的UUID。")
    field = "Idempotency-Key"


class IdempotencyKeyReused(DoorRefusal):
    """The Idempotency-Key was used for another request."""

    code = "request.idempotency-key-reused"
    kind = Kind.INVALID
    message = Text("This Idempotency-Key was used for another request.", "该Idempotency-Key已用于其他请求。")
    next_step = Text(
        "Send a fresh key for a new request, or repeat the first request unchanged.",
        "新的请求请使用新的键，或原样重发第一次的请求。",
    )
    field = "Idempotency-Key"


class ShownOnce(DoorRefusal):
    """The answer held a secret that is shown only once."""

    code = "request.shown-once"
    kind = Kind.CONFLICT
    message = Text(
        "This was done before; its answer held a secret that is shown only once.",
        "该操作已完成；其应答含有仅显示一次的机密。",
    )
    next_step = Text("Ask for a new secret if you did not keep the first.", "若未保存该机密，请重新申请。")


class ChangedMeanwhile(DoorRefusal):
    """Somebody else changed the same rows at the same moment."""

    code = "request.changed-meanwhile"
    kind = Kind.CONFLICT
    message = Text(
        "Somebody else changed this at the same moment; nothing of yours was written.",
        "他人同时修改了该数据，您的更改未写入。",
    )
    next_step = Text("Read it again and repeat the request.", "请重新读取后再提交。")


class DatabaseUnavailable(DoorRefusal):
    """The database does not answer in time."""

    code = "service.database-unavailable"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The database does not answer at the moment; nothing was written.",
        "数据库暂时无响应，未写入任何内容。",
    )
    next_step = Text(
        "Send the same request again, with the same Idempotency-Key.", "请使用相同的Idempotency-Key重新发送。"
    )


class InternalFault(DoorRefusal):
    """Something broke that nobody foresaw."""

    code = "service.internal-fault"
    kind = Kind.UNAVAILABLE
    status = 500
    message = Text("Something broke on our side; nothing was written.", "系统内部出错，未写入任何内容。")
    next_step = Text(
        "Try again later; tell the help desk the trace id {trace_id}.",
        "请稍后重试，并将追踪号{trace_id}告知服务台。",
    )
    trace_id: str


TITLES: dict[int, Text] = {
    400: Text("The request cannot be read", "请求无法读取"),
    401: Text("Not signed in", "尚未登录"),
    403: Text("Not permitted", "无权操作"),
    404: Text("Not found", "未找到"),
    405: Text("Method not allowed", "方法不被允许"),
    409: Text("Not possible as things stand", "当前状态下无法执行"),
    412: Text("Changed since you read it", "内容已变更"),
    413: Text("Too large", "内容过大"),
    422: Text("The input has faults", "输入有误"),
    429: Text("Too many requests", "请求过于频繁"),
    500: Text("A fault on our side", "系统内部错误"),
    503: Text("Not available at the moment", "暂时不可用"),
}


def status_of(refusal: PisteError | type[PisteError]) -> int:
    """Give the HTTP status of a refusal, or of all of its class."""
    kind = refusal if isinstance(refusal, type) else type(refusal)
    if issubclass(kind, DoorRefusal) and kind.status is not None:
        return kind.status
    if issubclass(kind, RevisionStale):
        return 412
    return STATUS_OF_KIND[kind.kind]
