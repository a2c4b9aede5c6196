import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { renderAsync } from '@resvg/resvg-js';

const FONTS = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');

/** An SVG as a PNG of twice its size. Text is set in DejaVu Sans, which ships with the package; no font of the system is read. */
export async function png(svg: string): Promise<Uint8Array> {
  // resvg ends the whole process where a clipped group lies beside the picture, as the plot does for which labels left no room.
  const [, width, left] = /^.*?<svg[^>]* width="([\d.]+)".*?<g[^>]* transform="translate\(([\d.]+),/s.exec(svg) ?? [];
  if (!(Number(left) < Number(width)))
    throw new Error('Expected a chart to leave room for its plot but its labels take it all');
  const image = await renderAsync(svg, {
    fitTo: { mode: 'zoom', value: 2 },
    font: {
      loadSystemFonts: false,
      fontFiles: [join(FONTS, 'DejaVuSans.ttf'), join(FONTS, 'DejaVuSans-Bold.ttf')],
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
    },
  });
  return image.asPng();
}
