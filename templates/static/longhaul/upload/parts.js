// The parts of the page that more than one module needs. upload.js says what each of them is.

export const form = document.querySelector("form[data-upload]");
export const input = form.querySelector("input[type=file]");
export const sending = document.querySelector("[data-sending]");
export const part = (name) => sending.querySelector(`[data-part="${name}"]`);
export const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

// Read out by screen readers, while the form is shown.
export const announce = (text) => {
  form.querySelector("[data-recognized-says]").textContent = text;
};
