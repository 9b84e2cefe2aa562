"""The reference pages, generated: settings of a study, commands, tables, rules, and the graph of the rules."""
