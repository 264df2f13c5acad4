"""One payload of every kind that Coinbase sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"BTC-USD": 3, "ETH-USD": 4}

SAMPLES: dict[str, bytes] = {
    "match": b'{"type":"match","trade_id":7,'
    b'"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",'
    b'"taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8",'
    b'"side":"sell","size":"0.04","price":"14.7775","product_id":"BTC-USD",'
    b'"sequence":333938798,"time":"2021-04-17T16:43:30.244075Z"}',
    "last_match": b'{"type":"last_match","trade_id":6,'
    b'"maker_order_id":"00000000-0000-0000-0000-000000000001",'
    b'"taker_order_id":"00000000-0000-0000-0000-000000000002",'
    b'"side":"buy","size":"2","price":"14.5","product_id":"ETH-USD",'
    b'"sequence":333938790,"time":"2021-04-17T16:43:29Z"}',
    "ticker": b'{"type":"ticker","sequence":333938798,"product_id":"BTC-USD",'
    b'"price":"14.7775","open_24h":"14.6","volume_24h":"94381.28",'
    b'"best_bid":"14.7550","best_bid_size":"3.5","best_ask":"14.8060",'
    b'"best_ask_size":"0.25","side":"buy","time":"2021-04-17T16:43:30.244075Z",'
    b'"trade_id":7,"last_size":"0.04"}',
    "snapshot": b'{"type":"snapshot","product_id":"BTC-USD",'
    b'"asks":[["14.81","12.77"],["14.82","1"]],"bids":[["14.75","2"]]}',
    "l2update": b'{"type":"l2update","product_id":"BTC-USD",'
    b'"changes":[["sell","14.81","0.00000000"],["buy","14.75","9"]],'
    b'"time":"2021-04-17T16:43:37.075687Z"}',
    "heartbeat": b'{"type":"heartbeat","last_trade_id":7,"product_id":"BTC-USD",'
    b'"sequence":333938799,"time":"2021-04-17T16:43:31.000000Z"}',
    "status": b'{"type":"status","currencies":[{"id":"EUR","details":{"symbol":"\xe2\x82\xac",'
    b'"min_withdrawal_amount":1e-08}}],"products":[{"id":"BTC-USD","base_currency":"BTC",'
    b'"quote_currency":"USD","status":"online"},{"id":"OLD-USD","base_currency":"OLD",'
    b'"quote_currency":"USD","status":"delisted"}]}',
    "subscriptions": b'{"type":"subscriptions","channels":['
    b'{"name":"ticker","product_ids":["BTC-USD"]},{"name":"matches",'
    b'"product_ids":["BTC-USD","ETH-USD"],"account_ids":null},'
    b'{"name":"level2_batch","product_ids":[{"product_id":"ETH-USD"}]},'
    b'{"name":"heartbeat","product_ids":["BTC-USD"]},{"name":"status"}]}',
    "error": b'{"type":"error","message":"Failed to subscribe","reason":"level2 needs a login"}',
    "open": b'{"price":"1948.35","order_id":"dbeb625b-42cb-4559-af17-225b96aa674c",'
    b'"remaining_size":"1.8","type":"open","side":"buy","product_id":"ETH-USD",'
    b'"time":"2022-05-25T13:29:57.980958Z","sequence":29892914009}',
}
