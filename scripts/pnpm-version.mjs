/** The one pnpm that installs and packs this workspace. */
export const PNPM_VERSION = '12.21.0'
