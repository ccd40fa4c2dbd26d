const copy = require('../../utils/copy');
Page({
  data: {on: false, copy}
});
