using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Chat.Constraints;

namespace Deepseek.Inference.Tests.Chat.Constraints;

public sealed class SchemaRefusalTests
{
    private const string Unsupported = $"is not supported; supported are {SchemaCheck.Supported}. Leave it out, and check the value afterwards.";
    private const string Unmet = "#: no JSON value meets the schema. Look for bounds that cross, members that are required and excluded, and members that must contain themselves.";

    [Theory]
    [InlineData("5", "#: the schema is a number; it must be an object, true or false.")]
    [InlineData("[]", "#: the schema is a list; it must be an object, true or false.")]
    [InlineData("""{"properties": {"a": {"pattern": "x"}}}""", "#/properties/a: the keyword 'pattern' " + Unsupported)]
    [InlineData("""{"multipleOf": 2}""", "#: the keyword 'multipleOf' " + Unsupported)]
    [InlineData("""{"anyOf": [{"not": {}}]}""", "#/anyOf/0: the keyword 'not' " + Unsupported)]
    [InlineData("""{"items": {"if": {}}}""", "#/items: the keyword 'if' " + Unsupported)]
    [InlineData("""{"$defs": {"a/b": {"uniqueItems": true}}}""", "#/$defs/a~1b: the keyword 'uniqueItems' " + Unsupported)]
    [InlineData("""{"type": "text"}""", "#: type is \"text\"; it must be one of null, boolean, object, array, string, integer, number, or a list of them.")]
    [InlineData("""{"type": []}""", "#: type is []; it must be one of null, boolean, object, array, string, integer, number, or a list of them.")]
    [InlineData("""{"properties": []}""", "#: properties is []; it must be an object of schemas.")]
    [InlineData("""{"required": "a"}""", "#: required is \"a\"; it must be a list of names.")]
    [InlineData("""{"items": [{}]}""", "#: items is a list; a list of schemas by place is called prefixItems.")]
    [InlineData("""{"anyOf": []}""", "#: anyOf is []; it must be a list that is not empty.")]
    [InlineData("""{"minLength": -1}""", "#: minLength is -1; it must be a whole number, 0 or more.")]
    [InlineData("""{"minimum": 1e40}""", "#: minimum is 1e40; it must be a number of at most 28 digits.")]
    [InlineData("""{"format": "email"}""", "#: format is \"email\"; supported are date, time, date-time, uuid. Leave it out, and check the value afterwards.")]
    [InlineData("""{"format": "date", "minLength": 3}""", "#: minLength and maxLength are not supported beside format, whose strings have a length of their own. Leave them out.")]
    [InlineData("""{"$ref": "#/properties/a"}""", "#: $ref is \"#/properties/a\"; it must be #, or name an entry of the root's $defs or definitions, as #/$defs/NAME does.")]
    [InlineData("""{"enum": ["a"], "minLength": 2}""", "#: minLength stands beside enum or const, where type alone is supported. Leave it out, and list only values that meet it.")]
    [InlineData("""{"allOf": [{"enum": ["a"]}, {"minLength": 2}]}""", "#/allOf/1: the schema meets an enum or const, where type alone is supported. List only values that meet it.")]
    [InlineData("""{"allOf": [{"format": "date"}, {"minLength": 2}]}""", "#/allOf/0: format meets minLength or maxLength of another schema, which is not supported. Leave them out.")]
    [InlineData("""{"type": "number", "minimum": 0}""", "#: minimum is supported for the type integer alone, and the type is number. Use integer, or leave it out and check the value afterwards.")]
    [InlineData("false", Unmet)]
    [InlineData("""{"type": "integer", "minimum": 3, "maximum": 2}""", Unmet)]
    [InlineData("""{"type": "string", "minLength": 3, "maxLength": 2}""", Unmet)]
    [InlineData("""{"type": "array", "minItems": 3, "maxItems": 2}""", Unmet)]
    [InlineData("""{"properties": {"a": {"$ref": "#"}}, "required": ["a"]}""", Unmet)]
    [InlineData("""{"properties": {"a": {}}, "additionalProperties": false, "required": ["b"]}""", Unmet)]
    [InlineData("""{"type": "string", "enum": [1]}""", Unmet)]
    [InlineData("""{"allOf": [{"format": "date"}, {"format": "time"}]}""", Unmet)]
    public void JsonSchema_Fault_IsNamed(string schema, string fault)
    {
        var refusal = Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(ConstraintWalk.Json(schema)));

        Assert.Equal($"The schema cannot be a constraint: {fault} (Parameter 'schema')", refusal.Message);
    }

    [Fact]
    public void JsonSchema_SeveralFaults_AreNamedAtOnce()
    {
        var refusal = Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(ConstraintWalk.Json("""{"properties": {"a": {"pattern": "x"}, "b": {"type": 5}}, "not": {}}""")));

        Assert.Contains("#: the keyword 'not'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("#/properties/a: the keyword 'pattern'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("#/properties/b: type is 5;", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonSchema_TooManyCombinations_IsRefused()
    {
        var choice = string.Join(",", Enumerable.Range(0, 20).Select(n => $$"""{"properties": {"p{{n}}": {"type": "null"} } }"""));
        var schema = $$"""{"allOf": [{{string.Join(",", Enumerable.Repeat($$"""{"anyOf": [{{choice}}]}""", 4))}}]}""";

        var refusal = Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(ConstraintWalk.Json(schema)));

        Assert.Contains("the schema branches into more than 10000 combinations. Use fewer of allOf, anyOf and oneOf within each other.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonSchema_ListsThatAreTooLong_AreRefused()
    {
        var places = string.Join(",", Enumerable.Repeat("{}", 257));
        var members = string.Join(",", Enumerable.Range(0, 1024).Select(n => $"\"{n}\": {{}}"));
        var name = new string('n', 257);

        var refusal = Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(ConstraintWalk.Json($$"""{"prefixItems": [{{places}}], "properties": { {{members}}, "{{name}}": {} } }""")));

        Assert.Equal(
            "The schema cannot be a constraint: #: prefixItems has 257 schemas; 256 are supported. Use items for those that are alike. #: properties has 1025 members; 1024 are supported. Part the object. #: properties has a name of 257 characters; 256 are supported. Use shorter names. (Parameter 'schema')",
            refusal.Message);
    }

    [Fact]
    public void JsonSchema_LongChainOfReferences_IsCompiled()
    {
        const int Links = 5000;
        var links = string.Join(",", Enumerable.Range(0, Links).Select(n => $$"""  "d{{n}}": {"type": "array", "items": {"$ref": "#/$defs/d{{n + 1}}"} } """));

        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json($$"""{"$ref": "#/$defs/d0", "$defs": { {{links}}, "d{{Links}}": {"type": "null"} } }"""));

        Assert.True(new ConstraintWalk(constraint).Accepts("[[[[]]]]"));
        Assert.False(new ConstraintWalk(constraint).Takes("[[[[null"));
    }

    [Fact]
    public void JsonSchema_HalfASurrogatePair_IsRefused() => Assert.Equal(
        "A schema holds a string that escapes half of a surrogate pair; it must be valid Unicode.",
        Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(ConstraintWalk.Json("""{"const": "\ud800"}"""))).Message);

    [Fact]
    public void JsonSchema_NoElement_IsRefused() => Assert.Equal(
        "The schema cannot be a constraint: #: the schema is empty; it must be an object, true or false. (Parameter 'schema')",
        Assert.Throws<ArgumentException>(() => TextConstraint.JsonSchema(default(JsonElement))).Message);
}
