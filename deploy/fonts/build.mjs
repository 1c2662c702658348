// Copies the fonts of invoices into services/fonts, with their licence.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const PACKAGES = "node_modules/@expo-google-fonts";
const FONTS = "../../services/fonts";
const owners = new Set();
let licence = "";

for (const name of readdirSync(PACKAGES)) {
  const weights = name === "noto-sans" ? ["400Regular", "700Bold"] : ["400Regular"];
  for (const weight of weights) {
    const [font] = readdirSync(`${PACKAGES}/${name}/${weight}`).filter((file) => file.endsWith(".ttf"));
    copyFileSync(`${PACKAGES}/${name}/${weight}/${font}`, `${FONTS}/${font.replace(/_\d+/, "-")}`);
  }
  const [owner, ...rest] = readFileSync(`${PACKAGES}/${name}/LICENSE_FONT`, "utf8").split("\n");
  owners.add(owner);
  licence = rest.join("\n");
}
writeFileSync(`${FONTS}/OFL.txt`, `${[...owners].join("\n")}\n${licence}`);
