// Carillon on your own site. Nothing is sent and nothing is stored before carillon("consent", true), and nothing at all
// about a visitor whose browser asks not to be followed (Global Privacy Control). Forms are sent when they are sent.
//
//   <script src="https://relay.example/s/TENANT.js" defer></script>
//   carillon("consent", true)                   after your banner was accepted; false forgets
//   carillon("page", { section: "shoes" })      the first page view goes by itself
//   carillon("track", "cart_abandoned", { value: 30 })
//   carillon("identify", "customer-17", { email: "..." })
//   <form data-carillon-form="newsletter"> with inputs f.email and so on
(function () {
  "use strict";
  var me = document.currentScript;
  if (!me) return;
  var base = new URL(me.src);
  var tenant = base.pathname.split("/").pop().replace(/\.js$/, "");
  var here = base.origin + "/s/" + tenant;
  var KEY = "carillon";
  var refused = navigator.globalPrivacyControl === true;
  var waiting = (window.carillon && window.carillon.q) || [];
  var state = null;
  var seen = false;

  try {
    state = JSON.parse(localStorage.getItem(KEY));
  } catch (e) {
    state = null;
  }

  function word() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, function (b) { return b.toString(16).padStart(2, "0"); }).join("");
  }

  function allowed() {
    return !refused && state !== null && state.consent === true;
  }

  function keep() {
    try {
      if (state) localStorage.setItem(KEY, JSON.stringify(state));
      else localStorage.removeItem(KEY);
    } catch (e) {
      // Storage is off: the visitor is new on every page.
    }
  }

  function send(call) {
    if (!allowed()) return;
    call.messageId = word();
    call.anonymousId = state.visitor;
    if (state.user) call.userId = state.user;
    call.timestamp = new Date().toISOString();
    fetch(here, { method: "POST", body: JSON.stringify(call), mode: "no-cors", credentials: "omit", keepalive: true })
      .catch(function () {});
  }

  function page(properties) {
    seen = true;
    var address = new URL(location.href);
    var told = { url: address.origin + address.pathname, title: document.title, referrer: document.referrer };
    address.searchParams.forEach(function (value, name) {
      if (/^utm_[a-z]+$/.test(name)) told[name] = value;
    });
    send({ type: "page", properties: Object.assign(told, properties) });
  }

  var calls = {
    consent: function (given) {
      if (given === true && !refused) {
        if (!allowed()) state = { consent: true, visitor: word() };
        keep();
        if (!seen) page();
      } else {
        state = null;
        keep();
      }
    },
    page: page,
    track: function (name, properties) {
      send({ type: "track", event: name, properties: properties || {} });
    },
    identify: function (user, traits) {
      if (!allowed()) return;
      state.user = user;
      keep();
      send({ type: "identify", traits: traits || {} });
    },
  };

  function carillon(name) {
    var rest = Array.prototype.slice.call(arguments, 1);
    if (Object.prototype.hasOwnProperty.call(calls, name)) calls[name].apply(null, rest);
  }
  carillon.status = function () {
    return { consent: allowed(), globalPrivacyControl: refused };
  };
  window.carillon = carillon;
  if (allowed()) page();
  waiting.forEach(function (call) { carillon.apply(null, call); });

  // Forms of the page that are kept at the relay. The proof of work is done when the form is first touched.
  function zeros(bytes) {
    var count = 0;
    for (var byte of bytes) {
      if (byte) return count + Math.clz32(byte) - 24;
      count += 8;
    }
    return count;
  }

  async function work(stamp, bits) {
    var text = new TextEncoder();
    for (var n = 0; bits > 0; n++) {
      var hash = await crypto.subtle.digest("SHA-256", text.encode(stamp + ":" + n));
      if (zeros(new Uint8Array(hash)) >= bits) return String(n);
    }
    return "0";
  }

  document.querySelectorAll("form[data-carillon-form]").forEach(function (form) {
    var where = base.origin + "/f/" + tenant + "/" + encodeURIComponent(form.dataset.carillonForm);
    var asJson = { accept: "application/json" };
    var ready = null;
    function prepare() {
      ready = ready || fetch(where, { headers: asJson, credentials: "omit" })
        .then(function (r) { return r.json(); })
        .then(async function (form) { return { stamp: form.stamp, nonce: await work(form.stamp, form.bits) }; });
      return ready;
    }
    function say(name, detail) {
      form.dispatchEvent(new CustomEvent("carillon:" + name, { bubbles: true, detail: detail }));
    }
    form.addEventListener("focusin", function () { prepare().catch(function () { ready = null; }); });
    form.addEventListener("submit", async function (event) {
      event.preventDefault();
      try {
        var proof = await prepare();
        var body = new URLSearchParams(new FormData(form));
        body.set("_stamp", proof.stamp);
        body.set("_work", proof.nonce);
        var answer = await fetch(where, { method: "POST", body: body, headers: asJson, credentials: "omit" });
        var said = await answer.json();
        ready = null;
        if (!answer.ok) return say("wrong", said);
        say("sent", said);
        if (said.redirect) location.href = said.redirect;
        else if (said.thanks) form.replaceWith(Object.assign(document.createElement("p"), { textContent: said.thanks, role: "status" }));
      } catch (e) {
        ready = null;
        say("failed", {});
      }
    });
  });
})();
