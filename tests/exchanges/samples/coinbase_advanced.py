"""One payload of every kind that Coinbase Advanced Trade sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"LTC-USD": 51, "DOT-EUR": 52}

SAMPLES: dict[str, bytes] = {
    "market_trades": b'{"channel":"market_trades","timestamp":"2026-08-09T21:05:51.452192913Z",'
    b'"sequence_num":140,"events":[{"type":"update","trades":['
    b'{"product_id":"LTC-USD","trade_id":"1068572095","price":"65083.67","size":"0.0005",'
    b'"time":"2026-08-09T21:05:51.426861Z","side":"SELL"},'
    b'{"product_id":"LTC-USD","trade_id":"1068572094","price":"65083.66","size":"0.01",'
    b'"time":"2026-08-09T21:05:51.37635Z","side":"BUY"}]}]}',
    "market_trades_snapshot": b'{"channel":"market_trades",'
    b'"timestamp":"2026-08-09T21:05:48.228568804Z","sequence_num":0,"events":[{"type":"snapshot",'
    b'"trades":[{"product_id":"DOT-EUR","trade_id":"833140778","price":"1919.41","size":"2",'
    b'"time":"2026-08-09T21:05:44.820409Z","side":"BUY"}]}]}',
    "ticker": b'{"channel":"ticker","timestamp":"2026-08-09T21:05:48.29803204Z","sequence_num":10,'
    b'"events":[{"type":"update","tickers":[{"type":"ticker","product_id":"LTC-USD",'
    b'"price":"1919.41","volume_24_h":"19975.95927439","low_24_h":"1911.04","high_24_h":"1925",'
    b'"low_52_w":"1505","high_52_w":"4955.9","price_percent_chg_24_h":"0.02501394006035",'
    b'"best_bid":"1919.44","best_ask":"1919.49","best_bid_quantity":"0.02858092",'
    b'"best_ask_quantity":"0.07814824"}]}]}',
    "l2_snapshot": b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.483587501Z",'
    b'"sequence_num":13,"events":[{"type":"snapshot","product_id":"LTC-USD","updates":['
    b'{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":"65083.66",'
    b'"new_quantity":"0.20371215"},{"side":"offer","event_time":"1970-01-01T00:00:00Z",'
    b'"price_level":"65083.67","new_quantity":"3"}]}]}',
    "l2_update": b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.505350477Z",'
    b'"sequence_num":14,"events":[{"type":"update","product_id":"LTC-USD","updates":['
    b'{"side":"offer","event_time":"2026-08-09T21:05:48.210883Z","price_level":"65084.5",'
    b'"new_quantity":"0.00583"},{"side":"bid","event_time":"2026-08-09T21:05:48.21Z",'
    b'"price_level":"65061.91","new_quantity":"0"}]}]}',
    "heartbeats": b'{"channel":"heartbeats","timestamp":"2026-08-09T21:05:48.856364007Z",'
    b'"sequence_num":35,"events":[{"current_time":"2026-08-09 21:05:48.854840045 +0000 UTC '
    b'm=+41691.260485341","heartbeat_counter":41691}]}',
    "subscriptions": b'{"channel":"subscriptions","timestamp":"2026-08-09T21:05:48.629706932Z",'
    b'"sequence_num":26,"events":[{"subscriptions":{"candles":["LTC-USD"],'
    b'"heartbeats":["heartbeats"],"level2":["LTC-USD"],"market_trades":["LTC-USD","DOT-EUR"],'
    b'"ticker":["DOT-EUR"]}}]}',
    "candles": b'{"channel":"candles","timestamp":"2026-08-09T21:05:51.491081826Z",'
    b'"sequence_num":138,"events":[{"type":"update","candles":[{"start":"1786309500",'
    b'"high":"1919.6","low":"1919.27","open":"1919.58","close":"1919.41",'
    b'"volume":"36.36630914","product_id":"LTC-USD"}]}]}',
    "error": b'{"type":"error","message":"authentication failure"}',
}
