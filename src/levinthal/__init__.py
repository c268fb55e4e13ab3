"""levinthal: can it be trained, can it be simpler, how wrong can it be, what did it learn?"""
