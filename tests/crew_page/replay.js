/* Plays steps to a page, one each `stepMs`, and looks at it whenever something may have changed. */
async ({ steps, stepMs }) => {
  for (const step of steps) {
    await owned.tell(step, judge.look);
    await owned.pass(stepMs, judge.look);
  }
};
