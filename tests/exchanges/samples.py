"""One payload of every kind that each exchange sends, small enough to read, and their symbols."""

from __future__ import annotations

SYMBOLS = {"BTC-USD": 3, "ETH-USD": 4, "BTCUSDT": 5, "ETHUSDT": 6}

SAMPLES: dict[str, dict[str, bytes]] = {
    "coinbase": {
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
        "error": b'{"type":"error","message":"Failed to subscribe",'
        b'"reason":"level2 needs a login"}',
        "open": b'{"price":"1948.35","order_id":"dbeb625b-42cb-4559-af17-225b96aa674c",'
        b'"remaining_size":"1.8","type":"open","side":"buy","product_id":"ETH-USD",'
        b'"time":"2022-05-25T13:29:57.980958Z","sequence":29892914009}',
    },
    "binance": {
        "trade": b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT",'
        b'"t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,'
        b'"M":true}}',
        "trade_us": b'{"data":{"e":"trade","E":1723161255343001,"s":"ETHUSDT","t":9,"p":"2500.5",'
        b'"q":"3","T":1723161255342999,"m":false,"M":true},"stream":"ethusdt@trade"}',
        "bookTicker": b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
        b'"b":"61837.63","B":"3.78826000","a":"61837.64","A":"1.54698000"}}',
        "ticker": b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1723161255343001,'
        b'"s":"BTCUSDT","p":"15.1","P":"0.02","w":"61000.1","x":"61822.5","c":"61837.63",'
        b'"Q":"0.02","b":"61837.62","B":"4","a":"61837.64","A":"2","o":"61822.5","h":"62000",'
        b'"l":"60000","v":"1000.5","q":"61000000","O":1723074855343001,"C":1723161255343001,'
        b'"F":100,"L":3735683259,"n":1000}}',
        "depth": b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,'
        b'"s":"BTCUSDT","U":101,"u":103,"b":[["61737.63","0.00000000"],["61730.17","2"]],'
        b'"a":[["61837.64","1.54698000"]]}}',
        "snapshot": b'{"snapshot":"ETHUSDT","data":{"lastUpdateId":102,'
        b'"bids":[["2500.1","1"],["2500","2"]],"asks":[["2500.2","3"]]}}',
        "acknowledgement": b'{"result":null,"id":4}',
        "error": b'{"error":{"code":2,"msg":"Invalid request: unknown method"},"id":5}',
        "serverShutdown": b'{"e":"serverShutdown","E":1723161255208}',
        "aggTrade": b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT","a":1}}',
        "kline": b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT","k":{}}}',
    },
}
