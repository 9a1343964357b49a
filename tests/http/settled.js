const ending = document.getAnimations().filter((each) => each.effect.getTiming().iterations === 1);
return Promise.allSettled(ending.map((each) => each.finished));
