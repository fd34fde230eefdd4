using System.Net;
using System.Text.Json;

namespace Deepseek.Inference.Server.Tests;

/// <summary>Checks of responses.</summary>
internal static class Api
{
    /// <summary>Requires a fault in OpenAI's form; the message is the expected one, or begins with it where that ends in an ellipsis.</summary>
    public static async Task RequireFaultAsync(this HttpResponseMessage response, HttpStatusCode status, string message, string? param = null, string? code = null, string type = "invalid_request_error")
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var error = JsonElement.Parse(text).GetProperty("error");
        var told = error.GetProperty("message").GetString()!;
        if (message.EndsWith('…'))
            Assert.StartsWith(message[..^1], told, StringComparison.Ordinal);
        else
            Assert.Equal(message, told);
        Assert.Equal((type, param, code), (error.GetProperty("type").GetString(), error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
    }
}
