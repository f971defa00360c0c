"""What the parties' use cases refuse."""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text

_AGAIN = Text("Begin again.", "请重新开始。")


class AdministratorsOnly(PisteError):
    """The step is for an administrator of the organisation, or of a founding member."""

    code = "parties.administrators-only"
    kind = Kind.FORBIDDEN
    message = Text("Only an administrator may do this: {action}.", "仅管理员可执行：{action}。")
    next_step = Text("Ask your organisation's administrator.", "请联系本单位管理员。")
    action: str


class OrganisationKnown(PisteError):
    """An organisation with this registration number takes part already."""

    code = "parties.organisation-known"
    kind = Kind.CONFLICT
    message = Text("{number} is registered already, as {name}.", "{number}已登记，名称为{name}。")
    next_step = Text("Add persons to that organisation instead.", "请在该单位下添加人员。")
    field = "/registration_number"
    number: str
    name: str


class RolesBeyond(PisteError):
    """Roles are asked for that the giver does not have to give."""

    code = "parties.roles-beyond"
    kind = Kind.INVALID
    message = Text("These roles cannot be given here: {roles}.", "此处不能授予以下角色：{roles}。")
    next_step = Text("Choose among: {possible}.", "可选角色：{possible}。")
    field = "/roles"
    roles: str
    possible: str


class ValidityPast(PisteError):
    """The end of the validity is over already."""

    code = "parties.validity-past"
    kind = Kind.INVALID
    message = Text("The validity would end before it begins.", "有效期截止时间早于开始时间。")
    next_step = Text("Give a moment in the future.", "请填写将来的时间。")
    field = "/valid_until"


class LinkNotValid(PisteError):
    """The enrolment link is unknown, used or too old."""

    code = "parties.link-not-valid"
    kind = Kind.CONFLICT
    message = Text(
        "This enrolment link is unknown, was used, or is too old.", "该登记链接不存在、已使用或已过期。"
    )
    next_step = Text("Ask your administrator for a new link.", "请向管理员索取新的链接。")


class CeremonyOver(PisteError):
    """The challenge is unknown, was answered, or is too old."""

    code = "parties.ceremony-over"
    kind = Kind.CONFLICT
    message = Text("This challenge was answered already or is too old.", "该质询已被应答或已过期。")
    next_step = _AGAIN


class PasskeyNotAccepted(PisteError):
    """The passkey's answer does not hold."""

    code = "parties.passkey-not-accepted"
    kind = Kind.UNAUTHENTICATED
    message = Text("The passkey's answer was not accepted.", "通行密钥的应答未被接受。")
    next_step = Text(
        "Begin again, on this site's own address, and unlock the passkey with PIN, finger or face.",
        "请在本站地址重新开始，并以PIN码、指纹或面容解锁通行密钥。",
    )


class PasskeyUnknown(PisteError):
    """The passkey was never enrolled here, or was revoked."""

    code = "parties.passkey-unknown"
    kind = Kind.UNAUTHENTICATED
    message = Text("This passkey is not known here, or was revoked.", "该通行密钥未登记或已吊销。")
    next_step = Text(
        "Use another passkey, or ask for an enrolment link.", "请使用其他通行密钥，或申请登记链接。"
    )


class PasskeyRegistrationRefused(PisteError):
    """The new passkey cannot be taken."""

    code = "parties.passkey-registration-refused"
    kind = Kind.INVALID
    message = Text("This passkey cannot be enrolled: {reason}.", "无法登记该通行密钥：{reason}。")
    next_step = Text(
        "Use an authenticator that makes ES256 keys and asks for PIN, finger or face.",
        "请使用支持ES256并要求PIN码、指纹或面容验证的认证器。",
    )
    field = "/credential"
    reason: str


class KeyKnown(PisteError):
    """The key is enrolled already."""

    code = "parties.key-known"
    kind = Kind.CONFLICT
    message = Text("This key is enrolled already.", "该密钥已登记。")
    next_step = Text("Enrol a fresh key; no two holders share one.", "请登记新的密钥；密钥不得共用。")


class SoftwareKeyUnfit(PisteError):
    """The software key is of no kind that the contracts check, or the proof of possession does not hold."""

    code = "parties.software-key-unfit"
    kind = Kind.INVALID
    message = Text("The key cannot be enrolled: {reason}.", "无法登记该密钥：{reason}。")
    next_step = Text(
        "Sign the proof of possession as the interface describes, with a secp256k1 or P-256 key.",
        "请按接口说明以secp256k1或P-256密钥签署持有证明。",
    )
    field = "/signer"
    reason: str


class TooManyKeys(PisteError):
    """The holder has as many keys as one may have."""

    code = "parties.too-many-keys"
    kind = Kind.CONFLICT
    message = Text("There are already {most} keys in use.", "已有{most}个密钥在用。")
    next_step = Text("Revoke one that is no longer needed.", "请先吊销不再使用的密钥。")
    most: int


class Gone(PisteError):
    """The person has left, or the client was revoked."""

    code = "parties.gone"
    kind = Kind.CONFLICT
    message = Text("{name} takes part no longer.", "{name}已不再参与。")
    next_step = Text("Add the person or client anew.", "请重新添加该人员或客户端。")
    name: str


class KeyRevokedAlready(PisteError):
    """The key was revoked before."""

    code = "parties.key-revoked-already"
    kind = Kind.CONFLICT
    message = Text("This key was revoked already.", "该密钥此前已被吊销。")
    next_step = Text("Nothing more is to be done.", "无需再操作。")
