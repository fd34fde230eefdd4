using Deepseek.Inference.Server.Page;

namespace Deepseek.Inference.Server;

/// <summary>Offers a page to chat with a model.</summary>
public static class DeepseekPageRouteBuilderExtensions
{
    /// <summary>Maps the page to <c>/</c>, and its files to <c>/page/…</c>.</summary>
    /// <param name="endpoints">The application, or a group of it to which <see cref="DeepseekEndpointRouteBuilderExtensions.MapDeepseekOpenAI"/> was mapped too: the page asks the addresses beside it.</param>
    /// <returns>What further conventions, such as authorization, are added to.</returns>
    /// <remarks>The page itself needs no API key, and asks for one where the server does. <see cref="DeepseekServer"/> serves it; an application that has a page of its own leaves it out.</remarks>
    /// <example>
    /// <code>
    /// var group = app.MapGroup("/chat");
    /// group.MapDeepseekOpenAI();
    /// group.MapDeepseekPage();
    /// </code>
    /// </example>
    public static IEndpointConventionBuilder MapDeepseekPage(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var page = new PageEndpoint();
        var group = endpoints.MapGroup("");
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        group.MapMethods("/", methods, page.IndexAsync);
        group.MapMethods("/page/{file}", methods, page.FileAsync);
        return group;
    }
}
