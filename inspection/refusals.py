"""Why an upload is refused before anybody looks into it.

UploadRefused
├── UploadEmpty, UploadTooLarge
├── UploadIsArchive, UploadTypeUnknown
├── UploadTruncated, UploadMalformed
├── PixelFlood, TooManyPages, AnimatedPicture
└── PdfEncrypted, PdfActiveContent, PdfExpands
"""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text

_SEND_FINE = Text(
    "Send the scan as PDF, PNG, JPEG, TIFF or WebP.",
    "请将扫描件以PDF、PNG、JPEG、TIFF或WebP格式上传。",
)
_SCAN_AGAIN = Text(
    "Scan the document again and upload the new file.",
    "请重新扫描该单证并上传新文件。",
)


class UploadRefused(PisteError):
    """The uploaded file may not come in."""

    code = "upload.refused"
    message = Text("The file cannot be accepted.", "该文件不能接收。")
    next_step = _SEND_FINE
    field = "/file"


class UploadEmpty(UploadRefused):
    """The file holds no byte."""

    code = "upload.empty"
    message = Text("The file is empty.", "文件为空。")
    next_step = Text("Choose the file again and upload it.", "请重新选择文件并上传。")


class UploadTooLarge(UploadRefused):
    """The file holds more bytes than the site takes."""

    code = "upload.too-large"
    kind = Kind.TOO_LARGE
    message = Text(
        "The file has {size_bytes} bytes; at most {limit_bytes} are accepted.",
        "文件大小为{size_bytes}字节，超过上限{limit_bytes}字节。",
    )
    next_step = Text(
        "Scan at 150 dpi, or split the document into several files.",
        "请以150 dpi扫描，或将单证拆分为多个文件。",
    )
    size_bytes: int
    limit_bytes: int


class UploadIsArchive(UploadRefused):
    """The file is, or carries, an archive (zip, office document, rar …)."""

    code = "upload.archive"
    message = Text(
        "The file is or contains an archive ({archive}); archives are not accepted.",
        "该文件是或包含压缩包（{archive}），不予接收。",
    )
    next_step = Text(
        "Unpack it and upload each document as PDF or picture; export office documents as PDF.",
        "请解压后逐份以PDF或图片上传；办公文档请先导出为PDF。",
    )
    archive: str


class UploadTypeUnknown(UploadRefused):
    """The content is none of the accepted types, whatever its name says."""

    code = "upload.type-unknown"
    message = Text(
        "The content is not a PDF, PNG, JPEG, TIFF or WebP (it looks like: {looks_like}).",
        "文件内容不是PDF、PNG、JPEG、TIFF或WebP（识别为：{looks_like}）。",
    )
    looks_like: str


class UploadTruncated(UploadRefused):
    """The file ends before its content does."""

    code = "upload.truncated"
    message = Text("The {format} file is cut off: {detail}.", "该{format}文件不完整：{detail}。")
    next_step = Text(
        "The transfer probably broke; upload the file again.",
        "可能传输中断，请重新上传。",
    )
    format: str
    detail: str


class UploadMalformed(UploadRefused):
    """The file breaks the rules of its own format."""

    code = "upload.malformed"
    message = Text("The {format} file is damaged: {detail}.", "该{format}文件已损坏：{detail}。")
    next_step = _SCAN_AGAIN
    format: str
    detail: str


class PixelFlood(UploadRefused):
    """A picture claims more pixels than any scan has."""

    code = "upload.pixel-flood"
    kind = Kind.TOO_LARGE
    message = Text(
        "A picture of {width} x {height} pixels is too large; at most {limit_side} a side and {limit_pixels} in all.",
        "图片尺寸{width}×{height}像素过大；单边不超过{limit_side}，总数不超过{limit_pixels}。",
    )
    next_step = Text("Scan at 150 to 300 dpi.", "请以150至300 dpi扫描。")
    width: int
    height: int
    limit_side: int
    limit_pixels: int


class TooManyPages(UploadRefused):
    """The document has more pages than are read at once."""

    code = "upload.too-many-pages"
    kind = Kind.TOO_LARGE
    message = Text(
        "The document has {pages} pages; at most {limit_pages} are accepted.",
        "该单证共{pages}页，超过上限{limit_pages}页。",
    )
    next_step = Text("Split it into several files.", "请拆分为多个文件。")
    pages: int
    limit_pages: int


class AnimatedPicture(UploadRefused):
    """The picture moves: what the officer sees would depend on the moment."""

    code = "upload.animated"
    message = Text("The {format} file is an animation.", "该{format}文件为动画。")
    next_step = _SCAN_AGAIN
    format: str


class PdfEncrypted(UploadRefused):
    """The PDF is protected by a password or by rights."""

    code = "upload.pdf-encrypted"
    message = Text("The PDF is encrypted.", "该PDF文件已加密。")
    next_step = Text(
        "Save it without password and protection, and upload it again.", "请去除密码和保护后重新上传。"
    )


class PdfActiveContent(UploadRefused):
    """The PDF carries something that acts when it is opened, or another file."""

    code = "upload.pdf-active-content"
    message = Text(
        "The PDF contains active content ({found}), which is not accepted.",
        "该PDF包含活动内容（{found}），不予接收。",
    )
    next_step = Text("Print it to a plain PDF, or scan the paper.", "请打印为普通PDF，或扫描纸质单证后上传。")
    found: str


class PdfExpands(UploadRefused):
    """The PDF's compressed streams grow beyond any document."""

    code = "upload.pdf-expands"
    kind = Kind.TOO_LARGE
    message = Text(
        "The PDF unpacks to more than {limit_bytes} bytes.",
        "该PDF解压后超过{limit_bytes}字节。",
    )
    next_step = _SCAN_AGAIN
    limit_bytes: int
