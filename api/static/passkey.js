// Passkeys: signing statements, signing in, enrolling.
//
// A person signs exactly a statement: the challenge is the statement's 32-byte digest.

import { call, fromBase64Url, fromHex, Refusal, say, toBase64Url } from "./api.js";

const refuse = (rule, message, nextStep) =>
  new Refusal({
    code: rule,
    title: say("Not signed", "未签署"),
    detail: message,
    faults: [{ field: "", rule, message, next_step: nextStep }],
  });

async function ask(question) {
  if (!window.PublicKeyCredential) {
    throw refuse(
      "page.no-passkeys",
      say("This browser has no passkeys, or the page is not on a safe address.", "此浏览器不支持通行密钥，或页面地址不安全。"),
      say("Use a current browser, over https or on localhost.", "请使用新版浏览器，并通过https或localhost访问。"),
    );
  }
  try {
    return await question();
  } catch (fault) {
    if (fault.name === "InvalidStateError") {
      throw refuse(
        "page.passkey-known",
        say("This device already has a passkey for you.", "该设备已有您的通行密钥。"),
        say("Use it, or take another device.", "请直接使用，或更换设备。"),
      );
    }
    throw refuse(
      "page.passkey-cancelled",
      say("The passkey gave no answer: it was cancelled or took too long.", "通行密钥未应答：已取消或超时。"),
      say("Press the button again.", "请再次点击按钮。"),
    );
  }
}

/**
 * Sign a statement with one of the person's keys that stand in the consortium's register.
 *
 * @param {string} digest 0x-hexadecimal, 32 bytes
 * @returns {Promise<object>} `SignatureInput`: {key_id, webauthn: {authenticator_data, client_data_json, signature}}
 */
export async function signStatement(digest) {
  const { data: session } = await call("GET", "/api/v1/session");
  const keys = session.keys.filter((key) => key.kind === "passkey" && key.standing === "active");
  if (keys.length === 0) {
    throw refuse(
      "page.no-usable-key",
      say("None of your passkeys stands in the consortium's register yet.", "您尚无已在联盟登记的通行密钥。"),
      say("See “My keys” for where they stand.", "请在“我的密钥”中查看登记进度。"),
    );
  }
  const credential = await ask(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: fromHex(digest),
        allowCredentials: keys.map((key) => ({ type: "public-key", id: fromBase64Url(key.credential_id) })),
        userVerification: "required",
        timeout: 120000,
      },
    }),
  );
  const used = keys.find((key) => key.credential_id === toBase64Url(credential.rawId));
  return {
    key_id: used.key_id,
    webauthn: {
      authenticator_data: toBase64Url(credential.response.authenticatorData),
      client_data_json: toBase64Url(credential.response.clientDataJSON),
      signature: toBase64Url(credential.response.signature),
    },
  };
}

/** Sign in with any passkey of this site. */
export async function signIn() {
  const { data: begun } = await call("POST", "/api/v1/sign-in/begin");
  const options = begun.passkey;
  const credential = await ask(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: fromBase64Url(options.challenge),
        rpId: options.rpId,
        userVerification: "required",
        timeout: options.timeout,
      },
    }),
  );
  const response = {
    authenticatorData: toBase64Url(credential.response.authenticatorData),
    clientDataJSON: toBase64Url(credential.response.clientDataJSON),
    signature: toBase64Url(credential.response.signature),
  };
  if (credential.response.userHandle?.byteLength) {
    response.userHandle = toBase64Url(credential.response.userHandle);
  }
  await call("POST", "/api/v1/sign-in/finish", { body: { ceremony_id: begun.ceremony_id, credential: written(credential, response) } });
}

/**
 * Make a passkey for the holder of an enrolment link.
 *
 * @param {string} token the secret part of the link
 * @param {string} label how the person calls the device
 * @returns {Promise<object>} the key as the service shows it
 */
export async function enrol(token, label) {
  const { data: begun } = await call("POST", "/api/v1/enrolments/challenge", { body: { token } });
  const options = begun.passkey;
  const credential = await ask(() =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: fromBase64Url(options.challenge),
        user: { ...options.user, id: fromBase64Url(options.user.id) },
        excludeCredentials: (options.excludeCredentials ?? []).map((known) => ({
          ...known,
          id: fromBase64Url(known.id),
        })),
      },
    }),
  );
  const response = {
    clientDataJSON: toBase64Url(credential.response.clientDataJSON),
    attestationObject: toBase64Url(credential.response.attestationObject),
  };
  const { data } = await call("POST", "/api/v1/enrolments/passkey", {
    body: { token, label, ceremony_id: begun.ceremony_id, credential: written(credential, response) },
  });
  return data;
}

const written = (credential, response) => ({
  id: credential.id,
  rawId: toBase64Url(credential.rawId),
  type: credential.type,
  response,
});
