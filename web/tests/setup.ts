// Tests look at the pages beyond the first, whose texts come with them.
import { addPart, restTexts } from '../src/i18n'

await addPart(restTexts)
