"""The recipes of the pool's models."""

from finetune import Recipe

PRETRAINING = Recipe(
    learning_rate=2e-3, epochs=14, seed=7, batch=64, rotation=10.0, shift=2.0, zoom=0.1, cosine_decay=True
)

# Fine-tuning keeps its learning rate constant. Where it decays to zero, the models settle close to one another and a
# soup of them gains little; a constant rate leaves each one off to its own side of the common valley, as do the
# different augmentations. The last three are bad on purpose: a selection must learn to leave them out.
FINE_TUNING = (
    Recipe(learning_rate=2e-3, epochs=20, seed=1, batch=16, rotation=10.0, shift=1.5, zoom=0.1),
    Recipe(learning_rate=1.5e-3, epochs=20, seed=2, rotation=10.0, shift=1.5, zoom=0.1),
    Recipe(learning_rate=1.5e-3, epochs=25, seed=3, rotation=10.0, shift=1.5, zoom=0.1, weight_decay=0.1),
    Recipe(learning_rate=2e-3, epochs=20, seed=4, rotation=10.0, shift=1.5, zoom=0.1),
    Recipe(learning_rate=2e-3, epochs=20, seed=5, rotation=10.0, shift=1.5, zoom=0.1, label_smoothing=0.1),
    Recipe(learning_rate=2e-3, epochs=20, seed=6, rotation=15.0, shift=2.0),
    Recipe(learning_rate=1.5e-3, epochs=20, seed=7, shift=2.0, zoom=0.15),
    Recipe(learning_rate=2e-3, epochs=20, seed=8, rotation=15.0, zoom=0.15),
    Recipe(learning_rate=2e-3, epochs=20, seed=9, rotation=10.0, shift=1.5, zoom=0.1, mixup=0.3),
    Recipe(learning_rate=1.5e-3, epochs=20, seed=10, rotation=15.0, label_smoothing=0.1),
    Recipe(learning_rate=2e-3, epochs=30, seed=11, rotation=10.0, shift=1.5, zoom=0.1, mixup=0.3, weight_decay=0.1),
    Recipe(learning_rate=1e-3, epochs=15, seed=12),
    Recipe(learning_rate=2e-3, epochs=25, seed=13, rotation=10.0, shift=1.5, zoom=0.1),
    Recipe(learning_rate=2e-4, epochs=3, seed=14),
    Recipe(learning_rate=1.2e-2, epochs=10, seed=15, rotation=10.0, shift=1.5, zoom=0.1),
    Recipe(learning_rate=1e-3, epochs=1, seed=16),
)


def recipe_name(number: int, recipe: Recipe) -> str:
    """Name a model after its number in the pool, from 1, and what sets its recipe apart."""
    mantissa, exponent = f"{recipe.learning_rate:e}".split("e")
    parts = [f"{number:02d}", f"lr{float(mantissa):g}e{int(exponent)}", f"ep{recipe.epochs}"]
    options = {
        f"bs{recipe.batch}": recipe.batch != 32,
        f"rot{recipe.rotation:g}": recipe.rotation,
        f"shift{recipe.shift:g}": recipe.shift,
        f"zoom{recipe.zoom:g}": recipe.zoom,
        f"mixup{recipe.mixup:g}": recipe.mixup,
        f"smooth{recipe.label_smoothing:g}": recipe.label_smoothing,
        f"wd{recipe.weight_decay:g}": recipe.weight_decay != 0.01,
    }
    parts += [text for text, used in options.items() if used]
    return "-".join([*parts, f"seed{recipe.seed}"])
