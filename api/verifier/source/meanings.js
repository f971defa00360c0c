// Outcomes with their icons, names of statements, and what numbers in them stand for.

export const OUTCOMES = {
  valid: { title: { en: "Valid", zh: "有效" }, icon: "M9 25l10 10 20-23" },
  altered: { title: { en: "Altered", zh: "已被改动" }, icon: "M11 11l26 26M37 11L11 37" },
  unknown_issuer: { title: { en: "Unknown issuer", zh: "签发方不明" }, icon: "M16 17a8 8 0 1 1 12 7c-3 2-4 4-4 7M24 39v.1" },
  revoked: { title: { en: "Revoked", zh: "已撤销" }, icon: "M24 6a18 18 0 1 0 .1 0M11.5 11.5l25 25" },
  not_yet_recorded: { title: { en: "Not yet recorded", zh: "尚未上链" }, icon: "M24 6a18 18 0 1 0 .1 0M24 14v11l7 5" },
};

export const STATEMENTS = {
  ConsortiumChange: { en: "Change of the consortium", zh: "联盟成员变更" },
  FounderReplacement: { en: "New key of a founding member", zh: "创始成员更换密钥" },
  CertificateSubmission: { en: "Submission of a material certificate", zh: "提交物资证明函" },
  CertificateReview: { en: "Review of a material certificate", zh: "审核物资证明函" },
  CertificateRevocation: { en: "Revocation of a material certificate", zh: "撤销物资证明函" },
  CertificateDelegation: { en: "Delegation of a material certificate", zh: "物资证明函授权" },
  DeclarationFiling: { en: "Filing of a declaration", zh: "申报报关单" },
  DeclarationWithdrawal: { en: "Withdrawal of a declaration", zh: "撤回报关单" },
  CheckNoteOpening: { en: "Opening of a check note", zh: "申请核放单" },
  CheckNoteApproval: { en: "Approval of a check note", zh: "批准核放单" },
  GatePassage: { en: "Passage of a gate", zh: "卡口放行过卡" },
  CheckNoteVoiding: { en: "Voiding of a check note", zh: "作废核放单" },
  ExaminationReport: { en: "Examination report", zh: "查验报告" },
  Disposition: { en: "Disposition", zh: "异常处置" },
  ReleaseRule: { en: "Release rule put in force", zh: "放行规则生效" },
  ReleaseRuleRepeal: { en: "Release rule repealed", zh: "放行规则废止" },
  ReleaseDecision: { en: "Release decision", zh: "放行决定" },
  DecisionCorrection: { en: "Correction of a decision", zh: "更正决定" },
  Checkpoint: { en: "Checkpoint of the evidence log", zh: "证据日志检查点" },
  CheckpointWitness: { en: "Witness of a checkpoint", zh: "检查点见证" },
  Evidence: { en: "Evidence", zh: "证据" },
};

const FINAL = {
  1: { en: "release", zh: "放行" },
  7: { en: "return shipment", zh: "退运" },
  9: { en: "destroy", zh: "销毁" },
};

/** What numbers stand for, by type and field. */
export const MEANINGS = {
  "ReleaseDecision.channel": {
    1: { en: "green channel", zh: "绿色通道" },
    2: { en: "yellow channel", zh: "黄色通道" },
    3: { en: "red channel", zh: "红色通道" },
  },
  "ReleaseDecision.outcome": FINAL,
  "DecisionCorrection.outcome": FINAL,
  "CertificateReview.party": { 1: { en: "organizing committee", zh: "组委会" }, 2: { en: "customs", zh: "海关" } },
  "CertificateReview.verdict": {
    1: { en: "confirmed", zh: "确认" },
    2: { en: "returned", zh: "退回" },
    3: { en: "rejected", zh: "不予通过" },
  },
  "ExaminationReport.result": { 1: { en: "conform", zh: "相符" }, 2: { en: "not conform", zh: "不符" } },
  "GatePassage.gate": { 1: { en: "gate 1", zh: "一卡口" }, 2: { en: "gate 2", zh: "二卡口" } },
};
