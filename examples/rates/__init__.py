"""The bundled example of a call type: exchange rates from a slow external API, and the server that stands in for it."""
