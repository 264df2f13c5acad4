"""One payload of every kind that Kraken sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"BTC/USD": 31, "ETH/USD": 32}

SAMPLES: dict[str, bytes] = {
    "ticker": b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63297.7,'
    b'"bid_qty":5.45673101,"ask":63297.8,"ask_qty":0.36974422,"last":63297.8,'
    b'"volume":1020.88391276,"vwap":63685.7,"low":63250.0,"high":64409.2,"change":0.7,'
    b'"change_pct":0.00,"trades":47536,"timestamp":"2026-08-12T19:29:02.066592Z"}]}',
    "ticker_2024": b'{"channel":"ticker","type":"snapshot","data":[{"symbol":"ETH/USD",'
    b'"bid":65972.8,"bid_qty":0.10000000,"ask":65972.9,"ask_qty":39.67506683,"last":65972.9,'
    b'"volume":4216.61829370,"vwap":64275.2,"low":61325.4,"high":66450.0,"change":4412.1,'
    b'"change_pct":7.17}]}',
    "trade": b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy",'
    b'"price":68500.0,"qty":0.01044926,"ord_type":"limit","trade_id":70635299,'
    b'"timestamp":"2024-05-27T12:43:11.798009Z"},{"symbol":"BTC/USD","side":"sell",'
    b'"price":68499.9,"qty":0.00483192,"ord_type":"market","trade_id":70635300,'
    b'"timestamp":"2024-05-27T12:43:11.798009123Z"}]}',
    "trade_snapshot": b'{"channel":"trade","type":"snapshot","data":[{"symbol":"ETH/USD",'
    b'"side":"sell","price":2500,"qty":3,"ord_type":"market","trade_id":9,'
    b'"timestamp":"2024-05-27T12:33:10.826003Z"}]}',
    "book_snapshot": b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":['
    b'{"price":45283.5,"qty":0.10000000},{"price":45281.0,"qty":1.54582015}],"asks":['
    b'{"price":45285.2,"qty":0.00100000}],"checksum":2439117997,'
    b'"timestamp":"2026-08-12T19:28:08.631028Z"}]}',
    "book_snapshot_2023": b'{"channel":"book","type":"snapshot","data":[{"symbol":"ETH/USD",'
    b'"bids":[],"asks":[{"price":2500.10,"qty":4.00000000}],"checksum":1}]}',
    "book_update": b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":['
    b'{"price":45283.5,"qty":0.00000000},{"price":45280.3,"qty":1.54592586}],"asks":['
    b'{"price":45286.0,"qty":2.00000000}],"checksum":4294967295,'
    b'"timestamp":"2023-10-06T17:35:55.440295Z"}]}',
    "heartbeat": b'{"channel":"heartbeat"}',
    "status": b'{"channel":"status","data":[{"api_version":"v2",'
    b'"connection_id":12393906104898154338,"system":"online","version":"2.0.4"}],"type":"update"}',
    "maintenance": b'{"channel":"status","type":"update","data":[{"version":"2.0.10",'
    b'"system":"maintenance","api_version":"v2","connection_id":16763580994566763544,'
    b'"upcoming_maintenance":[],"emergency":[]}]}',
    "instrument": b'{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"USD",'
    b'"status":"enabled","precision":4}],"pairs":[{"symbol":"BTC/USD","status":"online"}]}}',
    "ohlc": b'{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":1.0}]}',
    "subscribed": b'{"method":"subscribe","req_id":42,"result":{"channel":"ticker",'
    b'"event_trigger":"trades","snapshot":true,"symbol":"BTC/USD"},"success":true,'
    b'"time_in":"2024-05-15T11:20:43.013486Z","time_out":"2024-05-15T11:20:43.013545Z"}',
    "subscribed_instrument": b'{"method":"subscribe","req_id":0,"result":{"channel":"instrument",'
    b'"snapshot":true,"warnings":["tick_size is deprecated, use price_increment"]},'
    b'"success":true,"time_in":"2024-05-19T19:44:43.264430Z",'
    b'"time_out":"2024-05-19T19:44:43.264464Z"}',
    "refused": b'{"error":"Currency pair not supported XBT/EUR","method":"subscribe","req_id":3,'
    b'"success":false,"symbol":"XBT/EUR","time_in":"2024-05-19T20:02:10.316562Z",'
    b'"time_out":"2024-05-19T20:02:10.316592Z"}',
    "unsubscribed": b'{"method":"unsubscribe","req_id":4,"result":{"channel":"book","depth":100,'
    b'"symbol":"BTC/USD"},"success":true,"time_in":"2024-05-19T20:02:10.316562Z",'
    b'"time_out":"2024-05-19T20:02:10.316592Z"}',
    "pong": b'{"method":"pong","req_id":1,"time_in":"2024-05-20T11:08:49.272922Z",'
    b'"time_out":"2024-05-20T11:08:49.272940Z"}',
    "ping_refused": b'{"error":"Unsupported field: \'params\' for the given msg type: ping",'
    b'"method":"ping","req_id":0,"success":false,"time_in":"2024-05-19T19:58:40.170724Z",'
    b'"time_out":"2024-05-19T19:58:40.170758Z"}',
}
