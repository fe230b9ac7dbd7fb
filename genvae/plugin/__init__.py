"""The plugin machinery: from what a distribution declares to a part that is made and guarded.

declarations    what a plugin says of itself, read without importing torch or the plugin's own code
hookspecs       the hooks through which declarations come
discovery       loads what declares plugins, and makes a row of every declaration, whatever is wrong with it
registry        the rows of an environment: clashes, GENVAE_DISABLE, finding one by name, making a part
options         a dataclass of options from JSON or from text
guard           turns what a plugin raises into one line with its name
"""
