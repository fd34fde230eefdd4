using System.Net;
using Deepseek.Inference.Chat;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Deepseek.Inference.Server;

/// <summary>A web application that does nothing but serve a model.</summary>
/// <remarks>It reads no configuration files and no variables of the environment, and logs to standard error.</remarks>
public static class DeepseekServer
{
    /// <summary>Makes the application; it listens once it is started.</summary>
    /// <param name="model">Sets <see cref="DeepseekOptions.ModelPath"/> and what else differs from the defaults.</param>
    /// <param name="options">How requests are received; null for the defaults.</param>
    /// <param name="host">The address to listen at: <c>localhost</c>, or an IP address of the machine; <c>0.0.0.0</c> for all. By default nobody else's machine is answered.</param>
    /// <param name="port">The port, 0 to 65,535; 0 for any that is free (<see cref="WebApplication.Urls"/> then tells it).</param>
    /// <param name="configure">Changes the application before it is built; null for nothing.</param>
    /// <exception cref="ArgumentException">The host is none, or options are at fault.</exception>
    public static WebApplication Create(
        Action<DeepseekOptions> model, DeepseekServerOptions? options = null, string host = "127.0.0.1", int port = 8080, Action<WebApplicationBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new DeepseekServerOptions();
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        var address = Address(host);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "deepseek", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(address, port);
        });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // else several lines a request
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddRoutingCore();
        builder.Services.AddDeepseekChatClient(model);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseRouting();
        try
        {
            app.MapDeepseekOpenAI(options);
        app.MapDeepseekPage();
            return app;
        }
        catch (OptionsValidationException fault)
        {
            ((IDisposable)app).Dispose();
            throw new ArgumentException($"{nameof(DeepseekOptions)}: {string.Join(" ", fault.Failures)}", nameof(model), fault);
        }
    }

    private static IPAddress Address(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host == "localhost")
            return IPAddress.Loopback;
        return IPAddress.TryParse(host, out var address) ? address : throw new ArgumentException(
            $"host is '{host}'; it must be localhost, or an IP address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them.", nameof(host));
    }
}
