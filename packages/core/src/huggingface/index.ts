export { withAdapterSoup } from './adapter-soup.js';
export { type HubOptions, hubModel } from './hub-model.js';
export { isHubReference } from './hub-reference.js';
export type { CardFacts, CardScore } from './model-card.js';
export { configNotices, modelFolders } from './model-folder.js';
export { checkReplaceable } from './replace-folder.js';
export { writeAdapterFolder } from './write-adapter-folder.js';
export { type WrittenFolder, writeModelFolder } from './write-model-folder.js';
