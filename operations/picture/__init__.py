"""Draw what a deploy creates from the synthesized stacks, so that the picture cannot drift from them."""
