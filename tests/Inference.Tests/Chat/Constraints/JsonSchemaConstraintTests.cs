using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests.Sampling;
using FsCheck.Fluent;
using Json.Schema;

namespace Deepseek.Inference.Tests.Chat.Constraints;

public sealed class JsonSchemaConstraintTests
{
    private static readonly EvaluationOptions WithFormats = new() { RequireFormatValidation = true };

    /// <summary>One schema for each thing that is supported, and some for several at once.</summary>
    public static TheoryData<string> Schemas =>
    [
        "true",
        """{}""",
        """{"type": "object"}""",
        """{"type": ["null", "boolean", "integer"]}""",
        """{"type": "number"}""",
        """{"type": "integer", "minimum": -120, "exclusiveMaximum": 1999}""",
        """{"exclusiveMinimum": 0.5, "maximum": 17.5, "type": ["integer", "null"]}""",
        """{"type": "string", "minLength": 2, "maxLength": 5}""",
        """{"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 2, "maxItems": 4}""",
        """{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": {"type": "null"}, "minItems": 1}""",
        """{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": false}""",
        """{"minItems": 1, "maxItems": 2}""",
        """{"type": "string", "format": "date"}""",
        """{"type": "string", "format": "time"}""",
        """{"type": "string", "format": "date-time"}""",
        """{"type": "string", "format": "uuid"}""",
        """{"enum": ["red", "grün", "a\"b", 5, null, {"a": [1.5]}]}""",
        """{"type": "string", "enum": ["red", 5]}""",
        """{"const": {"a": [true, "x"]}}""",
        """{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "boolean"}}, "required": ["b"]}""",
        """{"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}}""",
        """{"type": "object", "properties": {"ab": {"type": "integer"}, "a": {"type": "integer"}, "é": {"type": "integer"}}, "additionalProperties": {"type": "string"}}""",
        """{"type": "object", "additionalProperties": {"type": "integer"}, "required": ["n"]}""",
        """{"type": "object", "properties": {"a": false, "b": true}, "additionalProperties": true}""",
        """{"properties": {"a~/b": {"type": "null"}}, "required": ["a~/b"], "title": "t", "description": "d", "default": {}, "examples": [], "$id": "https://example.org/schema", "$comment": "c", "deprecated": true}""",
        """{"anyOf": [{"type": "string", "maxLength": 2}, {"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"]}]}""",
        """{"oneOf": [{"type": "integer"}, {"type": "boolean"}]}""",
        """{"type": "object", "properties": {"a": {"type": "integer"}}, "anyOf": [{"required": ["a"]}, {"properties": {"b": {"type": "null"}}, "required": ["b"]}]}""",
        """{"allOf": [{"type": "object", "properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer", "maximum": 5}, "b": {"type": "null"}}, "required": ["a"]}]}""",
        """{"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"]}, {"enum": ["x", null, 4, "y"]}]}""",
        """{"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["value"]}}}""",
        """{"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]}""",
        """{"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": {"$ref": "#/definitions/a~1b"}, "definitions": {"a/b": {"type": "string", "maxLength": 1}}}""",
    ];

    [Theory, MemberData(nameof(Schemas))]
    public void JsonSchema_RandomWalks_GiveJsonThatMeetsTheSchema(string schema)
    {
        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json(schema));
        var judge = Json.Schema.JsonSchema.FromText(schema, new BuildOptions { SchemaRegistry = new SchemaRegistry() });

        Rows.ForAll(Gen.Choose(0, int.MaxValue), 25, seed =>
        {
            var text = new ConstraintWalk(constraint).Finish(seed);

            using var json = JsonDocument.Parse(text);
            Assert.True(judge.Evaluate(json.RootElement, WithFormats).IsValid, text);
        });
    }

    [Theory]
    [InlineData("""{"type": "integer", "minimum": -120, "exclusiveMaximum": 1999}""", "-120 -119 -99 -1 0 7 10 999 1000 1998", "-121 -1000 1999 2000 01 1.0 -0")]
    [InlineData("""{"type": "integer", "exclusiveMinimum": -3.5, "maximum": 3.5}""", "-3 0 3", "-4 4")]
    [InlineData("""{"type": "integer", "minimum": 1e3}""", "1000 999999999999999999", "999 1000000000000000000")]
    [InlineData("""{"type": "integer"}""", "-999999999999999999 0", "-1000000000000000000")]
    [InlineData("""{"type": "number"}""", "0 -0.5 12.25e-3 1E+10 9999999999999999", "00 .5 1. 1e100 +1 12345678901234567")]
    [InlineData("""{"type": "string", "format": "date"}""", "\"2024-02-29\" \"2000-02-29\" \"1999-12-31\"", "\"2023-02-29\" \"1900-02-29\" \"2024-04-31\" \"2024-13-01\" \"2024-00-10\"")]
    [InlineData("""{"type": "string", "format": "date-time"}""", "\"2024-02-29T23:59:59Z\" \"2024-01-01T00:00:00.5+02:00\"", "\"2024-01-01\" \"2024-01-01T24:00:00Z\" \"2024-01-01T00:00:00\"")]
    [InlineData("""{"type": "string", "minLength": 1, "maxLength": 2}""", "\"a\" \"é€\" \"\\u0041b\" \"\\ud83d\\ude00x\" \"😀\"", "\"\" \"abc\" \"\\ud83d\" \"\\ude00\" \"\\x\"")]
    [InlineData("""{"type": "array", "items": {"enum": [1, 2]}, "minItems": 1, "maxItems": 2}""", "[1] [1,2]", "[] [1,2,1] [3]")]
    [InlineData("""{"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": {"const": 2}}""", """{} {"a":1} {"a":1,"b":2} {"ab":2} {"":2} {"é":2}""", """{"a":2} {"\u0061":2} {"b":1}""")]
    [InlineData("""{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}}""", """{} {"a":1} {"b":2} {"a":1,"b":2}""", """{"b":2,"a":1} {"c":1} {"a":1,} {"a":1,"a":1}""")]
    [InlineData("""{"const": "ö"}""", "\"ö\"", "\"o\"")]
    public void JsonSchema_Texts_AreTakenOrRefused(string schema, string taken, string refused)
    {
        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json(schema));

        Assert.All(taken.Split(' '), text => Assert.True(new ConstraintWalk(constraint).Accepts(text), text));
        Assert.All(refused.Split(' '), text => Assert.False(new ConstraintWalk(constraint).Accepts(text), text));
    }

    [Theory]
    [InlineData("{\n  \"a\": [\n    1,\n    2\n  ]\n}", true)]
    [InlineData("{\"a\": [1, 2]}", true)]
    [InlineData("{\"a\":[1,2]}", true)]
    [InlineData("{\n\t\"a\": []\n}", true)]
    [InlineData("{\n\n\"a\": []}", false)]
    [InlineData("{  \"a\": []}", false)]
    [InlineData("{\"a\" : []}", false)]
    [InlineData(" {\"a\": []}", false)]
    public void JsonObject_Spaces_AreBounded(string text, bool taken)
    {
        Assert.Equal(taken, new ConstraintWalk(TextConstraint.JsonObject()).Accepts(text));
    }

    [Fact]
    public void JsonSchema_LongEnum_AllowsEveryValueAndNoOther()
    {
        var words = Enumerable.Range(0, 6000).Select(n => $"w{n}").ToList();
        var constraint = TextConstraint.JsonSchema(ConstraintWalk.Json($$"""{"enum": [{{string.Join(",", words.Select(word => $"\"{word}\""))}}, "", "w"]}"""));

        Assert.All(["\"\"", "\"w\"", "\"w0\"", "\"w17\"", "\"w170\"", "\"w5999\""], text => Assert.True(new ConstraintWalk(constraint).Accepts(text), text));
        Assert.All(["\"w6000\"", "\"w00\"", "\"x\"", "\"w1 \""], text => Assert.False(new ConstraintWalk(constraint).Takes(text), text));
    }

    [Fact]
    public void JsonObject_RandomWalks_GiveObjects()
    {
        var constraint = TextConstraint.JsonObject();

        Rows.ForAll(Gen.Choose(0, int.MaxValue), 100, seed =>
        {
            using var json = JsonDocument.Parse(new ConstraintWalk(constraint).Finish(seed));
            Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
        });
    }

    [Fact]
    public void JsonObject_OtherValues_AreRefused() =>
        Assert.All(["[]", "1", "\"a\"", "null"], text => Assert.False(new ConstraintWalk(TextConstraint.JsonObject()).Takes(text)));
}
