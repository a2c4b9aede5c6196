/** Takes all steps, whatever they refuse. @throws what is no refusal, or the first refusal where each step has one */
export async function attempts(...steps: readonly (() => unknown)[]): Promise<void> {
  const refusals: Error[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Error && error.name === 'RadinError')) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length === steps.length) throw refusals[0];
}
