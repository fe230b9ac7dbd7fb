"""The plugin machinery: from what a distribution declares to a part that is made and guarded.

declarations    what a plugin says of itself, read without importing torch or the plugin's own code
hookspecs       the hooks through which declarations come
discovery       loads what declares plugins, and makes a row of every declaration, whatever is wrong with it
registry        the rows of an environment: clashes, GENVAE_DISABLE, finding one by name, making a part
option          what the annotation of an option says: its meaning and range, or that it is a file
options         a dataclass of options from JSON or from text
noise           what importing a plugin prints, warns of and sets up, kept from the user
guard           turns what a plugin raises into one line with its name
"""
