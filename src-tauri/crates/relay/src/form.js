// The proof of work of a hosted form: a number with which the hash of the form's stamp begins with so many zero bits.
(function () {
  "use strict";
  var form = document.getElementById("form");
  if (!form || !window.crypto || !crypto.subtle) return;
  var bits = Number(form.dataset.bits);
  var stamp = form.dataset.stamp;
  var found = bits === 0 ? Promise.resolve("0") : search();

  async function search() {
    var text = new TextEncoder();
    for (var start = 0; ; start += 64) {
      var round = [];
      for (var n = start; n < start + 64; n++) round.push(crypto.subtle.digest("SHA-256", text.encode(stamp + ":" + n)));
      var hashes = await Promise.all(round);
      for (var i = 0; i < hashes.length; i++) if (zeros(new Uint8Array(hashes[i])) >= bits) return String(start + i);
    }
  }

  function zeros(bytes) {
    var count = 0;
    for (var byte of bytes) {
      if (byte) return count + Math.clz32(byte) - 24;
      count += 8;
    }
    return count;
  }

  form.addEventListener("submit", function (event) {
    var work = form.elements.namedItem("_work");
    if (work.value) return;
    event.preventDefault();
    var button = form.querySelector("button");
    button.disabled = true;
    button.textContent = form.dataset.working;
    found.then(function (nonce) {
      work.value = nonce;
      form.submit();
    });
  });
})();
