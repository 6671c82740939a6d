import { kept } from "../ui/store";

/** Light, dark, or as the system has it. */
export const theme = kept("theme", ["system", "light", "dark"], (value) => {
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
});

/** Which zone times are shown in. */
export const zone = kept("zone", ["local", "UTC"]);
