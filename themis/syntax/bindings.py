"""Where a language binds local names, and where a name stands for something else: the rules of renaming."""

from __future__ import annotations

from dataclasses import dataclass, field

Spot = tuple[str, str]  # the type of a node, and the field that the name fills there; "" is no field, "*" any


@dataclass(frozen=True)
class Rules:
    """What renaming must know of a language; see `themis.syntax.renaming`."""

    functions: frozenset[str]  # nodes with names of their own, the outermost of which are looked at
    scopes: frozenset[str]  # nodes beyond which a name bound inside is unknown
    binds: frozenset[Spot]  # where a name is bound
    parameters: frozenset[Spot] = frozenset()  # where one is bound by a function
    patterns: frozenset[Spot] = frozenset()  # what may lie between such a place and the name
    other: frozenset[Spot] = frozenset()  # where the same letters are another thing and stay: attributes, keywords
    unclear: frozenset[Spot] = frozenset()  # where they may be either: such a name is left alone
    leaves: frozenset[str] = frozenset()  # tokens, not identifiers, with which a name is left alone too
    foreign: frozenset[str] = frozenset()  # nodes that rule out a whole function
    words: frozenset[bytes] = frozenset()  # identifiers that rule out a whole function
    calls: bool = True  # whether a name that is called is a variable
    body_only: bool = field(default=False)  # whether a name outside the body belongs to the function's surroundings


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _spots(text: str) -> frozenset[Spot]:
    return frozenset((node, filled) for node, _, filled in (one.partition(".") for one in text.split()))


_C_FAMILY = {
    "binds": _spots("declaration.declarator for_range_loop.declarator"),
    "parameters": _spots("parameter_declaration.declarator"),
    "patterns": _spots(
        "init_declarator.declarator pointer_declarator.declarator array_declarator.declarator reference_declarator."
    ),
    "other": _spots(""),
    "unclear": _spots(
        "function_declarator.declarator enumerator.* qualified_identifier.* template_function.* preproc_def.* "
        "preproc_function_def.* preproc_params.* preproc_ifdef.* preproc_defined.* structured_binding_declarator.* "
        "using_declaration.* attribute.* field_initializer.* optional_parameter_declaration.* "
        "variadic_parameter_declaration.* variadic_declarator.* destructor_name.* concept_definition.*"
    ),
    "leaves": _set("type_identifier field_identifier namespace_identifier statement_identifier preproc_arg"),
    "foreign": _set(
        "gnu_asm_expression asm_statement class_specifier struct_specifier_body union_specifier_body "
        "macro_type_specifier preproc_def preproc_function_def requires_expression co_await_expression"
    ),
    "calls": False,
}

RULES: dict[str, Rules] = {
    "C": Rules(
        functions=_set("function_definition"),
        scopes=_set("function_definition compound_statement for_statement"),
        **_C_FAMILY,
    ),
    "C++": Rules(
        functions=_set("function_definition lambda_expression"),
        scopes=_set(
            "function_definition compound_statement for_statement for_range_loop lambda_expression catch_clause "
            "if_statement while_statement switch_statement"
        ),
        **_C_FAMILY,
    ),
    "C#": Rules(
        functions=_set(
            "method_declaration constructor_declaration local_function_statement lambda_expression "
            "anonymous_method_expression"
        ),
        scopes=_set(
            "method_declaration constructor_declaration local_function_statement lambda_expression block for_statement "
            "foreach_statement using_statement fixed_statement catch_clause switch_section anonymous_method_expression"
        ),
        binds=_spots("variable_declarator.name foreach_statement.left catch_declaration.name"),
        other=_spots("member_access_expression.name argument.name member_binding_expression.name"),
        unclear=_spots(
            "parameter.* declaration_pattern.* var_pattern.* declaration_expression.* tuple_expression. "
            "parenthesized_variable_designation.* anonymous_object_creation_expression.* method_declaration.* "
            "local_function_statement.* generic_name.* qualified_name.* name_colon.* goto_statement.* labeled_statement.* "
            "attribute.* type_argument_list.* type_parameter.* cast_expression.type object_creation_expression.type "
            "variable_declaration.type nullable_type.* array_type.* alias_qualified_name.* recursive_pattern.* "
            "subpattern.* is_expression.right as_expression.right typeof_expression.* sizeof_expression.* "
            "catch_declaration.type foreach_statement.type default_expression.* constant_pattern.* base_list.*"
        ),
        leaves=_set("implicit_parameter"),
        foreign=_set("query_expression initializer_expression with_expression tuple_expression class_declaration preproc_if"),
        words=frozenset({b"nameof", b"dynamic"}),
        calls=False,
    ),
    "Go": Rules(
        functions=_set("function_declaration method_declaration func_literal"),
        scopes=_set(
            "function_declaration method_declaration func_literal block if_statement for_statement "
            "expression_switch_statement type_switch_statement select_statement expression_case default_case type_case "
            "communication_case"
        ),
        binds=_spots("short_var_declaration.left var_spec.name range_clause.left receive_statement.left"),
        parameters=_spots("parameter_declaration.name variadic_parameter_declaration.name"),
        patterns=_spots("expression_list."),
        unclear=_spots(
            "function_declaration.* const_spec.* type_switch_statement.alias type_parameter_declaration.* "
            "qualified_type.* literal_element."
        ),
        leaves=_set("type_identifier package_identifier label_name"),
        foreign=_set("type_declaration"),
    ),
    "Java": Rules(
        functions=_set("method_declaration constructor_declaration lambda_expression"),
        scopes=_set(
            "method_declaration constructor_declaration lambda_expression block constructor_body for_statement "
            "enhanced_for_statement try_with_resources_statement catch_clause switch_block"
        ),
        binds=_spots("variable_declarator.name enhanced_for_statement.name catch_formal_parameter.name"),
        parameters=_spots("formal_parameter.name inferred_parameters. lambda_expression.parameters"),
        other=_spots("field_access.field method_invocation.name element_value_pair.key"),
        unclear=_spots(
            "method_declaration.* constructor_declaration.* labeled_statement.* break_statement.* continue_statement.* "
            "scoped_identifier.* switch_label.* marker_annotation.* annotation.* instanceof_expression.name "
            "type_pattern.* record_pattern_component.* method_reference.* spread_parameter.* yield_statement.* resource.*"
        ),
        leaves=_set("type_identifier"),
        foreign=_set("class_body enum_declaration record_declaration interface_declaration"),
    ),
    "JavaScript": Rules(
        functions=_set(
            "function_declaration function_expression generator_function_declaration generator_function arrow_function "
            "method_definition"
        ),
        scopes=_set(
            "function_declaration function_expression generator_function_declaration generator_function arrow_function "
            "method_definition statement_block for_statement for_in_statement catch_clause switch_body"
        ),
        binds=_spots("variable_declarator.name for_in_statement.left catch_clause.parameter"),
        parameters=_spots("formal_parameters. arrow_function.parameter"),
        patterns=_spots("array_pattern. rest_pattern. assignment_pattern.left pair_pattern.value object_pattern."),
        unclear=_spots(
            "function_declaration.name function_expression.name generator_function_declaration.name class_declaration.* "
            "jsx_opening_element.* jsx_closing_element.* jsx_self_closing_element.* nested_identifier.* "
            "namespace_import.* import_specifier.* export_specifier.*"
        ),
        leaves=_set("shorthand_property_identifier shorthand_property_identifier_pattern statement_identifier"),
        foreign=_set("with_statement class_declaration class"),
        words=frozenset({b"eval", b"Function"}),
    ),
    "Python": Rules(
        functions=_set("function_definition lambda"),
        scopes=_set("function_definition"),
        binds=_spots(
            "assignment.left for_statement.left as_pattern.alias named_expression.name"
        ),
        patterns=_spots("pattern_list. tuple_pattern. list_pattern. list_splat_pattern. as_pattern_target."),
        other=_spots("attribute.attribute keyword_argument.name"),
        unclear=_spots(
            "dotted_name.* aliased_import.* global_statement.* nonlocal_statement.* function_definition.name "
            "parameters.* lambda_parameters.* default_parameter.* typed_parameter.* typed_default_parameter.* "
            "keyword_separator.* type_parameter.*"
        ),
        foreign=_set("class_definition match_statement exec_statement print_statement type_alias_statement"),
        words=frozenset({b"eval", b"exec", b"locals", b"globals", b"vars", b"dir"}),
        body_only=True,
    ),
    "Ruby": Rules(
        functions=_set("method singleton_method"),
        scopes=_set("method singleton_method block do_block lambda"),
        binds=_spots("assignment.left operator_assignment.left exception_variable. for.pattern"),
        parameters=_spots(
            "method_parameters. optional_parameter.name splat_parameter.name hash_splat_parameter.name "
            "block_parameter.name block_parameters. lambda_parameters."
        ),
        patterns=_spots("left_assignment_list. destructured_left_assignment. rest_assignment. destructured_parameter."),
        other=_spots("call.method"),
        unclear=_spots("keyword_parameter.* method.name singleton_method.* alias.* undef.* setter.*"),
        foreign=_set("class module singleton_class case_match alias undef"),
        words=frozenset({b"eval", b"binding", b"local_variables", b"instance_eval", b"class_eval"}),
    ),
}  # fmt: skip
