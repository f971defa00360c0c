"""The sentences of statements and events, in two languages: tables, put into words by `meanings`.

A place `{field:way}` names a value and the way in which it is said. A test walks all kinds of statements and all
events of the contracts, so that a new one without its sentence fails.
"""

from __future__ import annotations

from kernel.errors import Text

STATEMENT_SENTENCES: dict[str, Text] = {
    "ConsortiumChange": Text(
        "Founding members {signers} resolved to change the consortium (step {sequence}): "
        "{organisations:organisations}; {grants:grants}; {revocations:revocations}.",
        "创始成员{signers}决定变更联盟（第{sequence}步）：{organisations:organisations}；{grants:grants}；"
        "{revocations:revocations}。",
    ),
    "FounderReplacement": Text(
        "Founding members {signers} resolved to give the founding organisation {organisation:name} another key, "
        "signer {signer:digits} (step {sequence}).",
        "创始成员{signers}决定为创始单位{organisation:name}更换密钥，签名者{signer:digits}（第{sequence}步）。",
    ),
    "CertificateSubmission": Text(
        "Broker {signers} submitted material certificate {certificate:name} version {version}, content "
        "{contentHash:digits}, valid from {validFrom:moment} until {validUntil:moment}, for the holder {holder:name}.",
        "报关行{signers}提交物资证明函{certificate:name}第{version}版，内容{contentHash:digits}，有效期自"
        "{validFrom:moment}至{validUntil:moment}，持有人{holder:name}。",
    ),
    "CertificateReview": Text(
        "For {party:party}, officer {signers} {verdict:verdict} material certificate {certificate:name} version "
        "{version}, content {contentHash:digits}{reasonHash:because}.",
        "{party:party}经办人{signers}{verdict:verdict}物资证明函{certificate:name}第{version}版，内容"
        "{contentHash:digits}{reasonHash:because}。",
    ),
    "CertificateRevocation": Text(
        "Officer {signers} revoked material certificate {certificate:name} version {version}{reasonHash:because}.",
        "经办人{signers}撤销物资证明函{certificate:name}第{version}版{reasonHash:because}。",
    ),
    "CertificateDelegation": Text(
        "Holder {signers} let broker {broker:name} draw from material certificate {certificate:name} from "
        "{validFrom:moment} until {validUntil:moment} (delegation {sequence}).",
        "持有人{signers}授权报关行{broker:name}使用物资证明函{certificate:name}，自{validFrom:moment}至"
        "{validUntil:moment}（第{sequence}次授权）。",
    ),
    "DeclarationFiling": Text(
        "Broker {signers} filed declaration {declaration:name} version {version}, content {contentHash:digits}, "
        "and reserved {draws:draws}.",
        "报关行{signers}申报报关单{declaration:name}第{version}版，内容{contentHash:digits}，预留{draws:draws}。",
    ),
    "DeclarationWithdrawal": Text(
        "Broker {signers} withdrew declaration {declaration:name} version {version}{reasonHash:because}.",
        "报关行{signers}撤回报关单{declaration:name}第{version}版{reasonHash:because}。",
    ),
    "CheckNoteOpening": Text(
        "Broker {signers} asked for check note {note:name}, content {contentHash:digits}, to pass {gates:gates} "
        "({binding:binding}) with {items:items}.",
        "报关行{signers}申请核放单{note:name}，内容{contentHash:digits}，经{gates:gates}（{binding:binding}），"
        "载有{items:items}。",
    ),
    "CheckNoteApproval": Text(
        "Officer {signers} approved check note {note:name}, content {contentHash:digits}.",
        "关员{signers}批准核放单{note:name}，内容{contentHash:digits}。",
    ),
    "GatePassage": Text(
        "Gate {signers} reported that the vehicle of check note {note:name} passed gate {gate}, event "
        "{eventHash:digits}.",
        "卡口{signers}报告核放单{note:name}的车辆已通过第{gate}道卡口，事件{eventHash:digits}。",
    ),
    "CheckNoteVoiding": Text(
        "Broker {signers} voided check note {note:name}{reasonHash:because}.",
        "报关行{signers}作废核放单{note:name}{reasonHash:because}。",
    ),
    "ExaminationReport": Text(
        "Inspector {signers} reported (examination {sequence}) that the goods of declaration {declaration:name} "
        "version {version} {result:result}, on evidence {evidenceHash:digits}.",
        "查验关员{signers}报告（第{sequence}次查验）报关单{declaration:name}第{version}版的货物{result:result}，"
        "依据证据{evidenceHash:digits}。",
    ),
    "Disposition": Text(
        "Officer {signers} decided what is done about a finding on declaration {declaration:name} version {version} "
        "(disposition {sequence}): {outcome:outcome}, on evidence {evidenceHash:digits}.",
        "关员{signers}对报关单{declaration:name}第{version}版的疑点作出处置（第{sequence}次）：{outcome:outcome}，"
        "依据证据{evidenceHash:digits}。",
    ),
    "ReleaseRule": Text(
        "Supervisor {signers} put release rule {rule:name} version {version} in force, content {contentHash:digits}: "
        "system {system:name} may release up to {mostReleases} declarations on the green channel from "
        "{validFrom:moment} until {validUntil:moment}.",
        "督导{signers}使放行规则{rule:name}第{version}版生效，内容{contentHash:digits}：系统{system:name}自"
        "{validFrom:moment}至{validUntil:moment}可在绿色通道放行至多{mostReleases}份报关单。",
    ),
    "ReleaseRuleRepeal": Text(
        "Officer {signers} repealed release rule {rule:name} version {version}{reasonHash:because}.",
        "关员{signers}废止放行规则{rule:name}第{version}版{reasonHash:because}。",
    ),
    "ReleaseDecision": Text(
        "{channel:decider} {signers} decided on declaration {declaration:name} version {version}, content "
        "{contentHash:digits}, on the {channel:channel} channel{rule:under_rule}: {outcome:outcome}, on evidence "
        "{evidenceHash:digits}.",
        "{channel:decider}{signers}在{channel:channel}通道{rule:under_rule}对报关单{declaration:name}第{version}版"
        "（内容{contentHash:digits}）作出决定：{outcome:outcome}，依据证据{evidenceHash:digits}。",
    ),
    "DecisionCorrection": Text(
        "Officers {signers} corrected decision {corrects:digits} on declaration {declaration:name} version {version}: "
        "{outcome:outcome} from now on, on evidence {evidenceHash:digits}{reasonHash:because}.",
        "关员{signers}更正对报关单{declaration:name}第{version}版的决定{corrects:digits}：自此{outcome:outcome}，"
        "依据证据{evidenceHash:digits}{reasonHash:because}。",
    ),
    "Checkpoint": Text(
        "The keeper {signers} of the evidence log stated that the log holds {size} leaves under root {root:digits}.",
        "证据日志保管方{signers}声明日志共有{size}条记录，根为{root:digits}。",
    ),
    "CheckpointWitness": Text(
        "Witness {signers} confirmed that the log of {size} leaves under root {root:digits} continues the one it knew.",
        "见证方{signers}确认共有{size}条记录、根为{root:digits}的日志延续其已知的日志。",
    ),
    "Evidence": Text(
        "Device {signers} vouched for content {contentHash:digits} of kind {kind:digits} about {subject:name}.",
        "设备{signers}证明关于{subject:name}的内容{contentHash:digits}（类别{kind:digits}）。",
    ),
}
"""What a statement says, by its type; `signers` are those who signed it."""
DELEGATION_ENDED = Text(
    "Holder {signers} took back from broker {broker:name} the leave to draw from material certificate "
    "{certificate:name} (delegation {sequence}).",
    "持有人{signers}收回报关行{broker:name}使用物资证明函{certificate:name}的授权（第{sequence}次授权）。",
)
EVENT_SENTENCES: dict[str, Text] = {
    "StatementRecorded": Text(
        "The contract recorded statement {statement:digits} about {subject:subject}, signed for organisation "
        "{organisation:name} with key {keyId:digits}.",
        "合约记录了关于{subject:subject}的声明{statement:digits}，由单位{organisation:name}以密钥{keyId:digits}签署。",
    ),
    "StatementRefused": Text(
        "The contract refused statement {statement:digits}, number {index} of the transaction that {submitter:digits} "
        "sent: {reason:reason}.",
        "合约拒绝了{submitter:digits}所发交易中第{index}号声明{statement:digits}：{reason:reason}。",
    ),
    "OrganisationAdmitted": Text(
        "Organisation {organisation:name} may hold these roles from {validFrom:moment} until {validUntil:moment}: "
        "{roles:roles}.",
        "单位{organisation:name}自{validFrom:moment}至{validUntil:moment}可具有以下角色：{roles:roles}。",
    ),
    "KeyGranted": Text(
        "Key {keyId:digits} (signer {signer:digits}) was granted to officer or device {officer:name} of organisation "
        "{organisation:name} from {validFrom:moment} until {validUntil:moment}, to sign as: {roles:roles}.",
        "密钥{keyId:digits}（签名者{signer:digits}）登记给单位{organisation:name}的人员或设备{officer:name}，自"
        "{validFrom:moment}至{validUntil:moment}可签署为：{roles:roles}。",
    ),
    "KeyRevoked": Text(
        "Key {keyId:digits} was revoked and signs nothing more.", "密钥{keyId:digits}已吊销，不得再签署。"
    ),
    "FounderReplaced": Text(
        "Founding organisation {organisation:name} speaks with key {keyId:digits} (signer {signer:digits}) instead of "
        "{oldKeyId:digits}.",
        "创始单位{organisation:name}改用密钥{keyId:digits}（签名者{signer:digits}），取代{oldKeyId:digits}。",
    ),
    "CertificateSubmitted": Text(
        "Material certificate {certificate:name} version {version} was submitted by broker {broker:name} for holder "
        "{holder:name}, content {contentHash:digits}, goods list {linesRoot:digits}, valid from {validFrom:moment} "
        "until {validUntil:moment}.",
        "报关行{broker:name}为持有人{holder:name}提交物资证明函{certificate:name}第{version}版，内容"
        "{contentHash:digits}，物资清单{linesRoot:digits}，有效期自{validFrom:moment}至{validUntil:moment}。",
    ),
    "CertificateReviewed": Text(
        "For {party:party}, officer {officer:name} {verdict:verdict} material certificate {certificate:name} version "
        "{version}.",
        "{party:party}经办人{officer:name}{verdict:verdict}物资证明函{certificate:name}第{version}版。",
    ),
    "CertificateActivated": Text(
        "Material certificate {certificate:name} version {version} has its three confirmations and is active.",
        "物资证明函{certificate:name}第{version}版经三方确认，已生效。",
    ),
    "CertificateRevoked": Text(
        "Material certificate {certificate:name} version {version} was revoked: nothing more is drawn from it.",
        "物资证明函{certificate:name}第{version}版已撤销，不得再使用。",
    ),
    "CertificateDelegated": Text(
        "Broker {broker:name} may draw from material certificate {certificate:name} from {validFrom:moment} until "
        "{validUntil:moment} (delegation {sequence}).",
        "报关行{broker:name}自{validFrom:moment}至{validUntil:moment}可使用物资证明函{certificate:name}"
        "（第{sequence}次授权）。",
    ),
    "CertificateLineCarried": Text(
        "Line {line} of material certificate {certificate:name} was carried into version {version}, with the ceiling "
        "{ceiling:amount}.",
        "物资证明函{certificate:name}第{line}行已结转至第{version}版，限额{ceiling:amount}。",
    ),
    "DeclarationFiled": Text(
        "Declaration {declaration:name} version {version} was filed, content {contentHash:digits}.",
        "报关单{declaration:name}第{version}版已申报，内容{contentHash:digits}。",
    ),
    "DeclarationWithdrawn": Text(
        "Declaration {declaration:name} version {version} was withdrawn.",
        "报关单{declaration:name}第{version}版已撤回。",
    ),
    "LineReserved": Text(
        "Declaration {declaration:name} reserved {quantity:amount} of line {line} of material certificate "
        "{certificate:name}; of this line {reserved:amount} are now reserved and {committed:amount} committed.",
        "报关单{declaration:name}预留物资证明函{certificate:name}第{line}行{quantity:amount}；该行现预留"
        "{reserved:amount}，已核扣{committed:amount}。",
    ),
    "LineCommitted": Text(
        "The release of declaration {declaration:name} committed {quantity:amount} of line {line} of material "
        "certificate {certificate:name}; of this line {reserved:amount} are now reserved and {committed:amount} "
        "committed.",
        "报关单{declaration:name}放行，核扣物资证明函{certificate:name}第{line}行{quantity:amount}；该行现预留"
        "{reserved:amount}，已核扣{committed:amount}。",
    ),
    "LineReturned": Text(
        "Declaration {declaration:name} gave {quantity:amount} back to line {line} of material certificate "
        "{certificate:name}; of this line {reserved:amount} are now reserved and {committed:amount} committed.",
        "报关单{declaration:name}向物资证明函{certificate:name}第{line}行退回{quantity:amount}；该行现预留"
        "{reserved:amount}，已核扣{committed:amount}。",
    ),
    "CheckNoteOpened": Text(
        "Check note {note:name} was asked for, content {contentHash:digits}, to pass {gates:gates} "
        "({binding:binding}).",
        "核放单{note:name}已申请，内容{contentHash:digits}，经{gates:gates}（{binding:binding}）。",
    ),
    "CheckNoteApproved": Text(
        "Check note {note:name} was approved by officer {officer:name}.",
        "核放单{note:name}已由关员{officer:name}批准。",
    ),
    "GatePassed": Text(
        "The vehicle of check note {note:name} passed gate {gate}, event {eventHash:digits}.",
        "核放单{note:name}的车辆已通过第{gate}道卡口，事件{eventHash:digits}。",
    ),
    "CheckNoteVoided": Text(
        "Check note {note:name} was voided: it passes no gate.", "核放单{note:name}已作废，不得过卡。"
    ),
    "ExaminationReported": Text(
        "Inspector {officer:name} reported (examination {sequence}) that the goods of declaration {declaration:name} "
        "version {version} {result:result}.",
        "查验关员{officer:name}报告（第{sequence}次查验）报关单{declaration:name}第{version}版的货物{result:result}。",
    ),
    "DispositionTaken": Text(
        "Officer {officer:name} decided what is done about a finding on declaration {declaration:name} version "
        "{version} (disposition {sequence}): {outcome:outcome}.",
        "关员{officer:name}对报关单{declaration:name}第{version}版的疑点作出处置（第{sequence}次）：{outcome:outcome}。",
    ),
    "ReleaseRuleEnacted": Text(
        "Release rule {rule:name} version {version}, content {contentHash:digits}, was put in force by officer "
        "{officer:name}: system {system:name} may release up to {mostReleases} declarations on the green channel from "
        "{validFrom:moment} until {validUntil:moment}.",
        "放行规则{rule:name}第{version}版（内容{contentHash:digits}）由关员{officer:name}决定生效：系统{system:name}自"
        "{validFrom:moment}至{validUntil:moment}可在绿色通道放行至多{mostReleases}份报关单。",
    ),
    "ReleaseRuleRepealed": Text(
        "Release rule {rule:name} version {version} was repealed by officer {officer:name}.",
        "放行规则{rule:name}第{version}版已由关员{officer:name}废止。",
    ),
    "DecisionTaken": Text(
        "On declaration {declaration:name} version {version} it was decided on the {channel:channel} "
        "channel{rule:under_rule}: {outcome:outcome}, on evidence {evidenceHash:digits}.",
        "对报关单{declaration:name}第{version}版在{channel:channel}通道{rule:under_rule}作出决定：{outcome:outcome}，"
        "依据证据{evidenceHash:digits}。",
    ),
    "DecisionCorrected": Text(
        "Decision {corrects:digits} on declaration {declaration:name} version {version} was corrected: "
        "{outcome:outcome} from now on, on evidence {evidenceHash:digits}.",
        "对报关单{declaration:name}第{version}版的决定{corrects:digits}已更正：自此{outcome:outcome}，依据证据"
        "{evidenceHash:digits}。",
    ),
    "CheckpointAnchored": Text(
        "The checkpoint of the evidence log was anchored: {size} leaves under root {root:digits}.",
        "证据日志检查点已上链：共{size}条记录，根为{root:digits}。",
    ),
    "CheckpointWitnessed": Text(
        "Organisation {organisation:name} witnessed the checkpoint of {size} leaves under root {root:digits}.",
        "单位{organisation:name}见证了共{size}条记录、根为{root:digits}的检查点。",
    ),
}
"""What an event tells, by its name."""
DELEGATION_OVER = Text(
    "Broker {broker:name} may no longer draw from material certificate {certificate:name} (delegation {sequence}).",
    "报关行{broker:name}不得再使用物资证明函{certificate:name}（第{sequence}次授权）。",
)
STANDINGS: dict[str, Text] = {
    "collecting": Text(
        "It still lacks signatures and has no effect.",
        "该声明签名未齐，尚无效力。",
    ),
    "queued": Text("It waits for the ledger and has no effect yet.", "该声明等待上链，尚无效力。"),
    "sent": Text("It was sent to the ledger and has no effect yet.", "该声明已发送上链，尚无效力。"),
    "recorded": Text("The ledger recorded it in block {block}.", "已记录于第{block}区块。"),
    "refused": Text(
        "The ledger refused it, so that it has no effect: {reason}.", "账本拒绝了该声明，故无效力：{reason}。"
    ),
}
"""What became of a statement, by its state."""
ALTERED = Text(
    "What stands here was altered and cannot be read: check the ledger.",
    "此处内容已被改动，无法识读：请核对账本。",
)
"""Said in place of a sentence about something that is not whole any more."""
