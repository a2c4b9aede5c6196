/** Advance widths of DejaVu Sans, U+0020 to U+007E, in thousandths of the font's size (from its hmtx table). */
const WIDTHS =
  '318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337 838 838 838 531 ' +
  '1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 ' +
  '500 613 635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838';
const ADVANCES = WIDTHS.split(' ').map(Number);
const SPACE = 32;
/** Of letters elsewhere; ideographs and pictures fill a square. */
const OTHER = 650;
const SQUARE = 1000;
const FIRST_IDEOGRAPH = 0x2e80;
/** Of the bold face, on average. */
const BOLD = 1.1;

/** How wide a line of text is drawn, in pixels, where no browser can be asked: room for the widest font of the stack. */
export function textWidth(text: string, fontSize: number, isBold: boolean): number {
  let thousandths = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    thousandths += ADVANCES[code - SPACE] ?? (code >= FIRST_IDEOGRAPH ? SQUARE : OTHER);
  }
  return (thousandths / 1000) * fontSize * (isBold ? BOLD : 1);
}
