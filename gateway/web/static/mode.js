/* Runs before anything is painted: the light that was chosen last, so that no night begins white. */
{
  let kept = null;
  try {
    kept = localStorage.getItem("axlebox.mode");
  } catch {
    // a browser that keeps nothing begins with the night
  }
  if (["day", "night", "red"].includes(kept)) document.documentElement.dataset.mode = kept;
}
