// The front page's slider: shows one of the pictures that are there already.
const slider = document.getElementById("factor");
const steps = document.querySelectorAll(".hero-pictures .step");
slider.addEventListener("input", () => {
  const chosen = steps[Number(slider.value)];
  steps.forEach((step) => { step.hidden = step !== chosen; });
  slider.setAttribute("aria-valuetext", chosen.dataset.say);
  document.querySelector(".hero-pictures .say").textContent = chosen.dataset.say;
});
