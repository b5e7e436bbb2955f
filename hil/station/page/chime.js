/* Two sounds that nobody mixes up: rising for PASS, low and long for FAIL. Made by the browser
 * itself; it lets them be heard once a key was pressed. */

const TONES = {
  pass: { hertz: [660, 880], each_s: 0.12, type: "sine" },
  fail: { hertz: [220, 220, 220], each_s: 0.25, type: "square" },
};
const VOLUME = 0.3;

let context = null;

export function chime(kind) {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  const { hertz, each_s: eachS, type } = TONES[kind];
  hertz.forEach((frequency, index) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const begin = context.currentTime + index * eachS * 1.4;
    tone.type = type;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(VOLUME, begin);
    volume.gain.setTargetAtTime(0, begin + eachS, 0.02);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + eachS * 1.4);
  });
}
