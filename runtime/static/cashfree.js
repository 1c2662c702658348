// Opens Cashfree's checkout for the payment session in the address's fragment, which no server ever sees.
const session = window.location.hash.slice(1);
const message = document.getElementById("message");

function say(text) {
  message.textContent = text;
}

async function open() {
  const checkout = window.Cashfree({ mode: document.body.dataset.mode });
  // A mandate's session is told by what stands before it.
  const result = session.startsWith("sub:")
    ? await checkout.subscriptionsCheckout({ subsSessionId: session.slice(4), redirectTarget: "_self" })
    : await checkout.checkout({ paymentSessionId: session, redirectTarget: "_self" });
  if (result && result.error) say(result.error.message || "The payment page could not be opened.");
}

if (!/^(sub:)?[A-Za-z0-9_-]{10,512}$/.test(session)) {
  say("This address names no payment: start the purchase again.");
} else if (typeof window.Cashfree !== "function") {
  say("The payment page could not be loaded: check your connection and reload.");
} else {
  open().catch(() => say("The payment page could not be opened: start the purchase again."));
}
